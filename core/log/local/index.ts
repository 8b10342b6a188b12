import { ZenhookError } from '../../errors/index.ts'
import type {
  Lag,
  Log,
  LogCapabilities,
  StoredRecord,
  SubscribeOptions,
  Subscription,
} from '../port.ts'
import { consume } from './consumer.ts'
import { assign, createGroup, type Group, groupPartition, type Member } from './groups.ts'
import {
  createTopicState,
  type PartitionState,
  partitionIn,
  renew,
  type TopicState,
} from './partitions.ts'
import type { Delayed, LogStore } from './store.ts'
import { createUpkeep } from './upkeep.ts'
import { createWriter, noOffset, unavailable } from './writer.ts'

export type { Change, Delayed, LogStore, Progress, Stored } from './store.ts'
export { noOffset } from './writer.ts'

export interface LocalLogOptions {
  store: LogStore
  capabilities: LogCapabilities
  /** Milliseconds since the epoch; the wall clock by default. */
  now?: () => number
  /** How often retention is applied, ms; 10 s by default. */
  trimEveryMs?: number
  /** Failures of what the log does by itself (trimming, moving delayed records); it tries again. */
  onError?: (error: unknown) => void
}

/** A log whose consumers all live in this process. */
export interface LocalLog extends Log {
  /** Removes the records of a partition below `until`, whatever their age. */
  trim(topic: string, partition: number, until: number): Promise<void>
  /** Applies retention now. */
  applyRetention(): Promise<void>
}

const readLimit = { records: 500, bytes: 4 * 2 ** 20 }

/**
 * The log over a store: offsets, groups, delays and retention are decided here, for every store alike.
 * A delayed record's position has the offset -1 until it is due.
 */
export const createLocalLog = (options: LocalLogOptions): LocalLog => {
  const { store, capabilities, now = Date.now, trimEveryMs = 10_000, onError } = options
  const topics = new Map<string, TopicState>()
  const groups = new Map<string, Group>()
  const subscriptions = new Set<Subscription>()
  const stored = store.load()
  let closing: Promise<void> | undefined

  const topicOf = (name: string): TopicState => {
    const topic = topics.get(name)
    if (topic === undefined)
      throw new ZenhookError('ZENHOOK_LOG_UNKNOWN_TOPIC', {
        message: `Topic ${name} does not exist`,
      })
    return topic
  }
  const partitionsOf = (topic: string): readonly PartitionState[] => topicOf(topic).partitions
  const groupOf = (name: string): Group => {
    const group = groups.get(name) ?? createGroup(name, true)
    groups.set(name, group)
    return group
  }

  const writer = createWriter({
    store,
    topics,
    now,
    nextSequence: stored.nextSequence,
    onDelayed: (due) => upkeep.delayedUntil(due),
  })
  const upkeep = createUpkeep({
    store,
    writer,
    topics,
    now,
    everyMs: trimEveryMs,
    onError: onError ?? (() => undefined),
  })

  /** Learns the newest record of each key; what was left behind it is compacted with the next write of it. */
  const indexKeys = (topic: TopicState): void => {
    for (const state of topic.partitions)
      for (let from = state.first; from < state.visible; ) {
        const records = store.read(state.topic, state.partition, from, state.visible, readLimit)
        for (const { key, value, partition, offset, timestamp } of records)
          if (key !== null)
            renew(
              topic,
              key,
              { topic: state.topic, partition, offset },
              value === null ? timestamp : undefined,
            )
        from = (records.at(-1)?.offset ?? state.visible) + 1
      }
  }

  for (const spec of stored.topics) {
    const ends = stored.ends.filter(({ topic }) => topic === spec.name)
    const topic = createTopicState(spec, ends)
    topics.set(spec.name, topic)
    if (spec.compacted === true) indexKeys(topic)
  }
  for (const { group, topic, partition, offset } of stored.progress)
    groupPartition(groupOf(group), partitionIn(topicOf(topic), partition), offset)
  upkeep.delayedUntil(store.nextDue() ?? Infinity)

  const refuseClosed = (): void => {
    if (closing !== undefined) throw new ZenhookError('ZENHOOK_LOG_CLOSED')
  }

  const subscribe = (
    options: SubscribeOptions,
    onBatch: Parameters<Log['subscribe']>[1],
  ): Subscription => {
    for (const topic of options.topics) topicOf(topic)
    const group =
      options.ephemeral === true ? createGroup(options.group, false) : groupOf(options.group)
    const member: Member = { options, handler: onBatch, closing: false, loops: new Map() }
    const rebalance = (): void =>
      assign(group, partitionsOf, (partition, ownership) => {
        const { loops } = ownership.member
        const former = loops.get(partition) ?? Promise.resolve()
        const loop = former.then(() => consume({ store, writer, now }, group, partition, ownership))
        loops.set(partition, loop)
      })
    group.members.push(member)
    rebalance()

    const close = async (): Promise<void> => {
      member.closing = true
      for (const { owner } of group.partitions.values())
        if (owner?.member === member) owner.controller.abort()
      await Promise.all(member.loops.values())
      group.members.splice(group.members.indexOf(member), 1)
      rebalance()
      subscriptions.delete(subscription)
    }
    let closed: Promise<void> | undefined
    const subscription: Subscription = {
      ready: () => Promise.resolve(),
      close: () => {
        closed ??= close()
        return closed
      },
    }
    subscriptions.add(subscription)
    return subscription
  }

  return {
    capabilities,
    async ensureTopics(specs) {
      refuseClosed()
      const changed = specs.map((spec) => {
        const known = topics.get(spec.name)
        // More partitions would send keys elsewhere: those that are there stay.
        const kept = known === undefined ? spec : { ...spec, partitions: known.spec.partitions }
        if (known === undefined) topics.set(spec.name, createTopicState(kept))
        else known.spec = kept
        return kept
      })
      if (changed.length > 0)
        await writer.submit((change) => {
          change.topics.push(...changed)
        })
    },
    async append(records) {
      refuseClosed()
      if (records.length === 0) return []
      writer.check(records)
      return writer.submit((change) => writer.place(change, records))
    },
    async subscribe(options, onBatch) {
      refuseClosed()
      return subscribe(options, onBatch)
    },
    read(from, to, signal) {
      const state = partitionIn(topicOf(from.topic), from.partition)
      const end = Math.min(to ?? state.visible, state.visible)
      const records = async function* (): AsyncGenerator<StoredRecord> {
        for (let position = from.offset; position < end; ) {
          signal?.throwIfAborted()
          refuseClosed()
          position = Math.max(position, state.first)
          const chunk = store.read(from.topic, from.partition, position, end, readLimit)
          for (const record of chunk) {
            signal?.throwIfAborted()
            yield record
          }
          position = (chunk.at(-1)?.offset ?? end) + 1
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      return records()
    },
    delayed(topic, signal) {
      topicOf(topic)
      const records = async function* (): AsyncGenerator<StoredRecord> {
        let after: Delayed | undefined
        for (;;) {
          signal?.throwIfAborted()
          refuseClosed()
          const some = store.delayed(after, Infinity, readLimit)
          for (const { record } of some)
            if (record.topic === topic) yield { ...record, offset: noOffset }
          after = some.at(-1)
          if (after === undefined) return
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      return records()
    },
    async ends(topic) {
      refuseClosed()
      return partitionsOf(topic).map(({ partition, first, visible }) => ({
        topic,
        partition,
        first,
        next: visible,
      }))
    },
    async lag(name) {
      refuseClosed()
      const partitions = groups.get(name)?.partitions.values() ?? []
      return [...partitions].map(({ state, progress }): Lag => {
        const offset = Math.max(progress ?? 0, state.first)
        const { topic, partition, visible } = state
        return { topic, partition, offset, records: Math.max(0, visible - offset) }
      })
    },
    async ping() {
      refuseClosed()
      try {
        await store.ping()
      } catch (error) {
        throw unavailable(error)
      }
    },
    async trim(topic, partition, until) {
      refuseClosed()
      await upkeep.trim(partitionIn(topicOf(topic), partition), until)
    },
    async applyRetention() {
      refuseClosed()
      await upkeep.round()
    },
    close() {
      closing ??= (async () => {
        await Promise.all([...subscriptions].map((subscription) => subscription.close()))
        await upkeep.close()
        await writer.idle()
        await store.close()
      })()
      return closing
    },
  }
}
