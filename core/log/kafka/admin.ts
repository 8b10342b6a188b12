import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, ITopicMetadata } from 'kafkajs'
import { inTime } from '../../time/limits.ts'
import type { Lag, TopicEnd, TopicSpec } from '../port.ts'
import { createClient } from './client.ts'
import { isUnknownTopic, logError } from './errors.ts'
import type { Names } from './names.ts'
import type { KafkaLogOptions } from './options.ts'

/** What is asked of the cluster beside records: topics, offsets of groups, health. */
export interface ClusterAdmin {
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>
  /** Number of partitions, cached. Rejects with ZENHOOK_LOG_UNKNOWN_TOPIC; takes a logical name. */
  partitionsOf(topic: string): Promise<number>
  /** Whether a topic (full name) is really gone. */
  isMissing(fullTopic: string): Promise<boolean>
  ends(topic: string): Promise<TopicEnd[]>
  /** Offset of the first record of at least this timestamp, by partition; the next offset where there is none. */
  since(topic: string, timestamp: number): Promise<Map<number, number>>
  /** Next offsets that a group has committed; topics by full name. */
  committed(group: string): Promise<Map<string, Map<number, number>>>
  lag(group: string, subscribed: Iterable<string>): Promise<Lag[]>
  ping(): Promise<void>
  close(): Promise<void>
}

const cacheMs = 5 * 60_000
const pingFreshMs = 500
/** One question with kafkajs's own retries; longer than topics take to be created. */
const answerMs = 25_000
const farewellMs = 3_000

export const createAdmin = (options: KafkaLogOptions, names: Names): ClusterAdmin => {
  const known = new Map<string, { partitions: number; at: number }>()
  /** Those that have to be there, by logical name. */
  const needed = new Set<string>()
  let connected: Promise<Admin> | undefined
  let pinged: { at: number; answer: Promise<void> } | undefined

  const connect = async (): Promise<Admin> => {
    const admin = createClient(options, {
      initialRetryTime: 50,
      maxRetryTime: 500,
      retries: 3,
    }).admin()
    await admin.connect()
    return admin
  }
  const drop = (): void => {
    connected?.then((admin) => admin.disconnect()).catch(() => undefined)
    connected = undefined
  }
  /** An admin that failed may hold on to a broker that is gone, so each failure starts a new one. */
  const ask = async <T>(work: (admin: Admin) => Promise<T>): Promise<T> => {
    connected ??= connect()
    const used = connected
    try {
      return await inTime(used.then(work), answerMs)
    } catch (error) {
      if (connected === used) drop()
      throw error
    }
  }
  const unavailable = (what: string, error: unknown) =>
    logError('ZENHOOK_LOG_UNAVAILABLE', `Kafka does not tell ${what}`, error)

  const describe = async (topic: string): Promise<ITopicMetadata | undefined> => {
    const full = names.topic(topic)
    // A topic that was just made is unknown to some brokers for a moment.
    for (let attempt = 0; ; attempt++) {
      try {
        const { topics } = await ask((admin) => admin.fetchTopicMetadata({ topics: [full] }))
        return topics.find(({ name }) => name === full)
      } catch (error) {
        if (attempt >= 3) {
          if (isUnknownTopic(error)) return undefined
          throw unavailable(`the partitions of ${full}`, error)
        }
      }
      await sleep(100 * 2 ** attempt)
    }
  }
  const learning = new Map<string, Promise<number>>()
  const partitionsOf = (topic: string): Promise<number> => {
    const cached = known.get(topic)
    if (cached !== undefined && Date.now() - cached.at < cacheMs)
      return Promise.resolve(cached.partitions)
    // One question for all who ask at once: their appends then go on in the order of their calls.
    const under = learning.get(topic)
    if (under !== undefined) return under
    const answer = learn(topic).finally(() => learning.delete(topic))
    learning.set(topic, answer)
    return answer
  }
  const learn = async (topic: string): Promise<number> => {
    const cached = known.get(topic)
    let found: ITopicMetadata | undefined
    try {
      found = await describe(topic)
    } catch (error) {
      // What was known still holds while nobody answers.
      if (cached !== undefined) return cached.partitions
      throw error
    }
    if (found === undefined || found.partitions.length === 0) {
      known.delete(topic)
      throw logError('ZENHOOK_LOG_UNKNOWN_TOPIC', `${names.topic(topic)} does not exist`)
    }
    known.set(topic, { partitions: found.partitions.length, at: Date.now() })
    return found.partitions.length
  }

  /** Asks until it is answered, for as long as an append tries: a leader that died has a successor by then. */
  const patiently = async <T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> => {
    const until = Date.now() + (options.appendTimeoutMs ?? 15_000)
    for (let attempt = 0; ; attempt++) {
      try {
        return await ask(question)
      } catch (error) {
        const rest = Math.min(100 * 2 ** attempt, 2_000)
        if (Date.now() + rest >= until) throw unavailable(what, error)
        await sleep(rest)
      }
    }
  }

  const ends = async (topic: string): Promise<TopicEnd[]> => {
    await partitionsOf(topic)
    const full = names.topic(topic)
    const offsets = await patiently(`the ends of ${full}`, (admin) => admin.fetchTopicOffsets(full))
    return offsets
      .map(({ partition, low, high }) => ({
        topic,
        partition,
        first: Number(low),
        next: Number(high),
      }))
      .sort((a, b) => a.partition - b.partition)
  }

  const since = async (topic: string, timestamp: number): Promise<Map<number, number>> => {
    await partitionsOf(topic)
    const full = names.topic(topic)
    const offsets = await patiently(`where the times of ${full} lie`, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(full, timestamp),
    )
    return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
  }

  const committed = async (group: string): Promise<Map<string, Map<number, number>>> => {
    const groupId = names.group(group)
    const answer = await patiently(`the offsets of ${groupId}`, (admin) =>
      admin.fetchOffsets({ groupId }),
    )
    return new Map(
      answer.map(({ topic, partitions }) => [
        topic,
        new Map(
          partitions
            .map(({ partition, offset }) => [partition, Number(offset)] as const)
            .filter(([, offset]) => offset >= 0),
        ),
      ]),
    )
  }

  const entriesOf = (spec: TopicSpec, replicas: number) =>
    Object.entries({
      'cleanup.policy': spec.compacted ? 'compact' : 'delete',
      'retention.ms': String(spec.compacted ? -1 : spec.retentionMs),
      'max.message.bytes': String(spec.maxMessageBytes),
      'min.insync.replicas': String(replicas >= 3 ? 2 : 1),
      // A segment in use is never compacted: close it in time.
      ...(spec.compacted && { 'segment.ms': '3600000', 'min.cleanable.dirty.ratio': '0.1' }),
    }).map(([name, value]) => ({ name, value }))

  const ensureTopics = async (specs: readonly TopicSpec[]): Promise<void> => {
    let existing: Set<string>
    let brokers: number
    try {
      existing = new Set(await ask((admin) => admin.listTopics()))
      brokers = (await ask((admin) => admin.describeCluster())).brokers.length
    } catch (error) {
      throw unavailable('its topics', error)
    }
    for (const { name } of specs) needed.add(name)
    const replicationFactor = Math.max(1, Math.min(3, brokers))
    const missing = specs.filter(({ name }) => !existing.has(names.topic(name)))
    if (missing.length > 0) {
      const topics = missing.map((spec) => ({
        topic: names.topic(spec.name),
        numPartitions: spec.partitions,
        replicationFactor,
        configEntries: entriesOf(spec, replicationFactor),
      }))
      try {
        // False when they exist by now: somebody else was faster, and used the same list.
        await ask((admin) => admin.createTopics({ topics, waitForLeaders: false, timeout: 20_000 }))
      } catch (error) {
        throw logError('ZENHOOK_LOG_UNAVAILABLE', 'Kafka does not create topics', error)
      }
      // For a moment some brokers do not know what was made, or it has no leader yet.
      const made = topics.map(({ topic }) => topic)
      await patiently('the topics that were made', (admin) =>
        admin.fetchTopicMetadata({ topics: made }),
      )
    }
    for (const spec of specs) {
      const partitions = await partitionsOf(spec.name)
      if (partitions === spec.partitions) continue
      options.logger.warn(
        { topic: names.topic(spec.name), partitions, wanted: spec.partitions },
        partitions < spec.partitions
          ? 'A topic has fewer partitions than configured; it is used as it is, for adding some moves keys'
          : 'A topic has more partitions than configured; it is used as it is',
      )
    }
  }

  const probe = async (): Promise<void> => {
    const asked = [...new Set([...needed, ...known.keys()])].map((topic) => names.topic(topic))
    const health = ask(async (admin) => {
      const { brokers } = await admin.describeCluster()
      const { topics } =
        asked.length === 0 ? { topics: [] } : await admin.fetchTopicMetadata({ topics: asked })
      return { brokers, topics }
    })
    try {
      const late = () => new Error('no answer within 2 s')
      const { brokers, topics } = await inTime(health, 2_000, late)
      if (brokers.length === 0) throw new Error('no broker')
      for (const { name, partitions } of topics)
        for (const { partitionId, leader, isr, replicas } of partitions)
          if (leader < 0 || isr.length < (replicas.length >= 3 ? 2 : 1))
            throw new Error(`${name}/${partitionId} takes no records`)
    } catch (error) {
      health.catch(() => undefined)
      const reason = error instanceof Error ? error.message : String(error)
      throw logError('ZENHOOK_LOG_UNAVAILABLE', `Kafka does not take records: ${reason}`, error)
    }
  }

  return {
    ensureTopics,
    partitionsOf,
    ends,
    since,
    committed,
    isMissing: async (fullTopic) => {
      const topic = names.logical(fullTopic)
      if (topic === undefined) return false
      try {
        const found = await describe(topic)
        if (found === undefined) known.delete(topic)
        return found === undefined
      } catch {
        return false
      }
    },
    lag: async (group, subscribed) => {
      const offsets = await committed(group)
      const topics = new Set(subscribed)
      for (const full of offsets.keys()) {
        const logical = names.logical(full)
        if (logical !== undefined) topics.add(logical)
      }
      const lags: Lag[] = []
      for (const topic of topics) {
        const mine = offsets.get(names.topic(topic))
        for (const { partition, first, next } of await ends(topic)) {
          const offset = Math.max(mine?.get(partition) ?? first, first)
          lags.push({ topic, partition, offset, records: Math.max(0, next - offset) })
        }
      }
      return lags
    },
    ping: () => {
      if (pinged === undefined || Date.now() - pinged.at > pingFreshMs)
        pinged = { at: Date.now(), answer: probe() }
      return pinged.answer
    },
    close: async () => {
      const left = connected?.then((admin) => admin.disconnect())
      connected = undefined
      const late = () => new Error('it does not disconnect')
      await inTime(left ?? Promise.resolve(), farewellMs, late).catch(() => undefined)
    },
  }
}
