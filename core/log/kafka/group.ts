import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload } from 'kafkajs'
import { atMost } from '../../time/limits.ts'
import type { BatchHandler, NewRecord, SubscribeOptions, Subscription } from '../port.ts'
import type { ClusterAdmin } from './admin.ts'
import { createClient } from './client.ts'
import { createCommits } from './commits.ts'
import { logError } from './errors.ts'
import type { Names } from './names.ts'
import type { KafkaLogOptions } from './options.ts'
import { createPump, type Pump } from './pump.ts'
import { storedRecord } from './records.ts'
import { keepVigil, type Vigil } from './vigil.ts'

export interface GroupOptions {
  log: KafkaLogOptions
  names: Names
  admin: ClusterAdmin
  subscribe: SubscribeOptions
  onBatch: BatchHandler
  append(records: readonly NewRecord[]): Promise<unknown>
}

/** An assigned partition in one generation of the group. */
interface Owned {
  pump: Pump
  /** Offset that the next fetch must begin with. */
  expected: number
  /** A jump that was asked for again, and came again, is real. */
  doubted: number
}

const maxWaitMs = 250
/** After a small fetch the next one rests for a moment: a request for every single record costs more than the record. */
const restMs = 4
const smallFetch = 100
/** How long a close waits for commits that are under way. */
const lastCommitMs = 1_000
/** How long a consumer may take to leave its group. */
const farewellMs = 5_000
/** Beyond what a rebalance may take, before a consumer counts as silent. */
const slackMs = 10_000
/** A fetch that may wait ends early with this much. */
const lingerBytes = 256 * 1024

export interface GroupSubscription extends Subscription {
  /** Resolves once every settle that was asked for has its answer, so that `lag` sees it. */
  progress(): Promise<void>
}

/** A member of a group: kafkajs for membership and fetching, pumps for everything that the port promises. */
export const createGroup = (options: GroupOptions): GroupSubscription => {
  const { names, admin, subscribe, log } = options
  const { maxRecords = 500, maxBytes = 4 * 1024 * 1024, lingerMs = 0 } = subscribe
  const sessionTimeout = log.sessionTimeoutMs ?? 10_000
  const rebalanceTimeout = Math.max(10_000, sessionTimeout)
  const owned = new Map<string, Owned>()
  /** When each partition's last handler ends, over generations and consumers. */
  const handlers = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let consumer: Consumer | undefined
  let epoch = 0
  let joined = (): void => {}
  let refused = (_: unknown): void => {}
  const ready = new Promise<void>((resolve, reject) => {
    joined = resolve
    refused = reject
  })
  ready.catch(() => undefined)

  const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`
  const onError = (error: unknown): void => subscribe.onError?.(error)

  /** Ends this generation: signals abort, what waits is forgotten, commits of it are refused. */
  const revokeAll = (): void => {
    epoch++
    for (const [key, { pump }] of owned) handlers.set(key, pump.revoke())
    owned.clear()
  }

  let vigil: Vigil | undefined
  const commits = createCommits({
    names,
    epoch: () => epoch,
    consumer: () => consumer,
    limitMs: log.appendTimeoutMs ?? 15_000,
    giveUp: (by, error) => {
      if (by === consumer) vigil?.end(error)
    },
  })

  const reportGap = (topic: string, partition: number, offset: number, until: number): void => {
    if (until <= offset) return
    log.logger.warn(
      { topic, partition, offset, until, group: subscribe.group },
      'Records were removed before they were read',
    )
    subscribe.onGap?.({ topic, partition, offset, until, group: subscribe.group })
  }

  /**
   * The log lost its end (a loss of power, an unclean election, a volume of before), or is another by this name: new
   * records come below what the group has settled. All of them are read; what was seen already is known again.
   */
  const reportCut = (topic: string, partition: number, offset: number, next: number): void =>
    log.logger.warn(
      { topic, partition, offset, next, group: subscribe.group },
      'The log ends before what was read of it: it is read from its beginning',
    )

  /** An answer from before where we are, of a log that seems to end there: then the position is found anew. */
  const doubtEnd = async (topic: string, partition: number, mine: Owned): Promise<void> => {
    const ends = await admin.ends(topic)
    const next = ends.find((end) => end.partition === partition)?.next
    if (next === undefined || next >= mine.expected) return
    if (owned.get(keyOf(topic, partition)) !== mine) return
    vigil?.end(
      logError('ZENHOOK_LOG_UNAVAILABLE', `${topic}/${partition} ends before what was read`),
    )
  }

  const assign = async (by: Consumer, assignment: Record<string, number[]>): Promise<void> => {
    revokeAll()
    const mine = epoch
    const partitions = Object.entries(assignment)
    const all = partitions.map(([topic, numbers]) => ({ topic, partitions: numbers }))
    // Nothing is fetched before the group's position is known: kafkajs would reset it in silence.
    by.pause(all)
    for (let attempt = 0; epoch === mine && !closing.signal.aborted; attempt++) {
      try {
        const offsets = await admin.committed(subscribe.group)
        for (const [full, numbers] of partitions) {
          const topic = names.logical(full)
          if (topic === undefined) continue
          const ends = await admin.ends(topic)
          if (epoch !== mine || closing.signal.aborted) return
          for (const partition of numbers) {
            const { first = 0, next } = ends.find((end) => end.partition === partition) ?? {}
            const stored = offsets.get(full)?.get(partition)
            const isCut = stored !== undefined && next !== undefined && stored > next
            if (isCut) reportCut(topic, partition, stored, next)
            const committed = isCut ? undefined : stored
            const start = Math.max(committed ?? first, first)
            if (committed !== undefined) reportGap(topic, partition, committed, start)
            own(by, topic, partition, start)
            // A group that has settled nothing yet has a place too: what retention takes from there on was lost to
            // it. Where this fails, the first settle says it.
            if (committed === undefined)
              commits.commit(topic, partition, start, mine).catch(() => undefined)
          }
        }
        by.resume(all)
        joined()
        return
      } catch (error) {
        onError(error)
        await sleep(Math.min(100 * 2 ** attempt, 2_000), undefined, {
          signal: closing.signal,
        }).catch(() => undefined)
      }
    }
  }

  const own = (by: Consumer, topic: string, partition: number, start: number): void => {
    const key = keyOf(topic, partition)
    if (owned.has(key)) return
    const mine = epoch
    const full = names.topic(topic)
    const where = [{ topic: full, partitions: [partition] }]
    const still = (): boolean => epoch === mine && consumer === by
    const seek = (offset: number): void => {
      if (still()) by.seek({ topic: full, partition, offset: String(offset) })
    }
    const entry: Owned = {
      expected: start,
      doubted: -1,
      pump: createPump(
        {
          topic,
          partition,
          start,
          maxRecords,
          maxBytes,
          onBatch: options.onBatch,
          onError,
          flow: (full) => {
            if (still()) full ? by.pause(where) : by.resume(where)
          },
          rewind: (offset) => {
            entry.expected = offset
            entry.doubted = -1
            seek(offset)
          },
          append: options.append,
          commit: (next) => commits.commit(topic, partition, next, mine),
        },
        handlers.get(key) ?? Promise.resolve(),
      ),
    }
    owned.set(key, entry)
    seek(start)
  }

  const eachBatch = async ({ batch, isStale }: EachBatchPayload): Promise<void> => {
    const topic = names.logical(batch.topic)
    const mine = topic === undefined ? undefined : owned.get(keyOf(topic, batch.partition))
    if (topic === undefined || mine === undefined || isStale()) return
    const { partition } = batch
    const fetched = Number(Reflect.get(batch, 'fetchedOffset') ?? batch.firstOffset() ?? 0)
    if (fetched > mine.expected) {
      if (mine.doubted !== fetched) {
        // Control records, a reset by retention, or an answer to an older question: ask again.
        mine.doubted = fetched
        consumer?.seek({ topic: batch.topic, partition, offset: String(mine.expected) })
        return
      }
      const before = mine.expected
      admin.ends(topic).then(
        (ends) => {
          const first = ends.find((end) => end.partition === partition)?.first ?? 0
          reportGap(topic, partition, before, Math.min(first, fetched))
        },
        () => undefined,
      )
    }
    if (fetched < mine.expected && Number(batch.highWatermark) < mine.expected) {
      doubtEnd(topic, partition, mine).catch(onError)
      return
    }
    mine.doubted = -1
    const from = Math.max(mine.expected, fetched)
    mine.expected = Math.max(from, Number(batch.lastOffset()) + 1)
    const records = batch.messages
      .filter(({ offset }) => Number(offset) >= from)
      .map((message) => storedRecord(topic, partition, message))
    if (records.length === 0) return
    mine.pump.offer(records)
    // kafkajs fetches again once this returns; what was fetched is already on its way.
    if (lingerMs === 0 && records.length < smallFetch) await sleep(restMs)
  }

  /** One life of a kafkajs consumer: from its start to its crash or our close. */
  const live = async (): Promise<void> => {
    const by = createClient(log, {
      initialRetryTime: 50,
      maxRetryTime: 1_000,
      retries: 8,
    }).consumer({
      groupId: names.group(subscribe.group),
      sessionTimeout,
      heartbeatInterval: Math.max(250, Math.floor(sessionTimeout / 8)),
      rebalanceTimeout,
      ...(lingerMs > 0
        ? { minBytes: lingerBytes, maxWaitTimeInMs: lingerMs }
        : { maxWaitTimeInMs: maxWaitMs }),
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: 50,
        maxRetryTime: 1_000,
        retries: 8,
        // We make a new consumer ourselves, whatever the cause: a dead subscription is no choice.
        restartOnFailure: async () => false,
      },
    })
    const watch = keepVigil(by, sessionTimeout + rebalanceTimeout + slackMs)
    vigil = watch
    const isOver = (): boolean => closing.signal.aborted || watch.isOver()
    by.on(by.events.GROUP_JOIN, ({ payload }) => {
      if (consumer === by && !closing.signal.aborted) assign(by, payload.memberAssignment)
    })
    const start = async (): Promise<void> => {
      await by.connect()
      await by.subscribe({
        topics: subscribe.topics.map((topic) => names.topic(topic)),
        fromBeginning: true,
      })
      if (isOver()) return
      consumer = by
      await by.run({
        autoCommit: false,
        eachBatch,
        partitionsConsumedConcurrently: 16,
      })
    }
    const starting = start()
    const closed = new Promise<void>((resolve) => {
      if (closing.signal.aborted) resolve()
      closing.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    try {
      await Promise.race([watch.over, starting, closed])
      const error = await Promise.race([watch.over, closed])
      if (error !== undefined) onError(error)
    } finally {
      watch.close()
      consumer = undefined
      revokeAll()
      // Handlers end before the group hears that we leave, so that the next owner starts after them.
      await Promise.all(handlers.values())
      const left = by.disconnect().catch(() => undefined)
      // Given up while it started, it would become a member after all, and keep partitions that nobody reads.
      const leaveLate = async (): Promise<void> => {
        await Promise.all([starting, left])
        if (isOver()) await by.disconnect()
      }
      leaveLate().catch(() => undefined)
      await atMost(farewellMs, left)
    }
  }

  const run = async (): Promise<void> => {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const began = Date.now()
      try {
        await live()
      } catch (error) {
        onError(error)
      }
      if (Date.now() - began > 30_000) attempt = 0
      await sleep(Math.min(100 * 2 ** attempt, 5_000), undefined, {
        signal: closing.signal,
      }).catch(() => undefined)
    }
  }
  const running = run()

  return {
    ready: () => ready,
    progress: () => commits.idle(),
    close: async () => {
      // What was settled until now need not come back.
      await atMost(lastCommitMs, commits.idle())
      closing.abort()
      refused(logError('ZENHOOK_LOG_CLOSED', 'The subscription is closed'))
      await running
    },
  }
}
