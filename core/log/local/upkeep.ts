import { setImmediate } from 'node:timers/promises'
import type { Position } from '../../event/index.ts'
import { advance, type PartitionState, type TopicState } from './partitions.ts'
import type { LogStore } from './store.ts'
import type { Writer } from './writer.ts'

/** How long a removed key stays visible as such, as in Kafka (`delete.retention.ms`). */
const tombstoneMs = 24 * 3_600_000
/** Records that one step looks at or moves: it bounds how long the event loop is held. */
const step = 500
/** Delayed records that are moved at once hold no more than that, and one. */
const stepBytes = 4 * 2 ** 20
/** Delayed records that could not be moved are tried again after this, ms. */
const retryMs = 1_000

export interface UpkeepOptions {
  store: LogStore
  writer: Writer
  topics: ReadonlyMap<string, TopicState>
  now: () => number
  /** Between two rounds of trimming. */
  everyMs: number
  onError: (error: unknown) => void
}

export interface Upkeep {
  /** A delayed record is due then. */
  delayedUntil(due: number): void
  /** Removes the records of a partition below `until`. */
  trim(partition: PartitionState, until: number): Promise<void>
  /** Applies retention and forgets old tombstones, once, now. */
  round(): Promise<void>
  close(): Promise<void>
}

/** What a log does by itself: moves delayed records when due, and removes what its topics no longer keep. */
export const createUpkeep = (options: UpkeepOptions): Upkeep => {
  const { store, writer, topics, now, everyMs, onError } = options
  let closed = false
  let work: Promise<void> = Promise.resolve()
  let wakeAt = Infinity
  let alarm: NodeJS.Timeout | undefined

  // One thing at a time: a step sees what the one before has written.
  const then = (action: () => Promise<void>): Promise<void> => {
    const done = work.then(() => (closed ? undefined : action()))
    work = done.catch(onError)
    return done
  }

  const move = async (): Promise<void> => {
    wakeAt = Infinity
    try {
      const ready = store.delayed(undefined, now(), { records: step, bytes: stepBytes })
      if (ready.length > 0) await writer.submit((change) => writer.release(change, ready))
      else await confirm()
      delayedUntil(store.nextDue() ?? Infinity)
    } catch (error) {
      delayedUntil(now() + retryMs)
      throw error
    }
  }

  /**
   * A write that is told as failed may have come about all the same. What it left is shown once another
   * lasts, for so does all before that then.
   */
  const confirm = async (): Promise<void> => {
    const doubted = [...topics.values()]
      .flatMap(({ partitions }) => partitions)
      .filter((state) => state.doubted > state.visible)
      .map((state) => ({ state, end: state.doubted }))
    if (doubted.length === 0) return
    await writer.submit((change) => {
      for (const { state } of doubted) {
        // A trim of which the same was told, too, may have come about: its floor must not go back.
        const { topic, partition, swept, first, next } = state
        change.trimmed.push({ topic, partition, from: swept, first, next })
      }
    })
    for (const { state, end } of doubted) {
      advance(state, await storedUpTo(state, end))
      if (state.doubted === end) state.doubted = 0
    }
  }
  /** Behind the last stored record below `end`: nobody is made to wait for what is not there. */
  const storedUpTo = async (
    { topic, partition, visible }: PartitionState,
    end: number,
  ): Promise<number> => {
    let at = visible
    while (at < end) {
      await setImmediate()
      const records = store.read(topic, partition, at, end, { records: step, bytes: stepBytes })
      const last = records.at(-1)
      if (last === undefined) break
      at = last.offset + 1
    }
    return at
  }

  const delayedUntil = (due: number): void => {
    if (closed || due >= wakeAt) return
    wakeAt = due
    clearTimeout(alarm)
    // Looked at once a minute at least: clocks jump, and timers are limited.
    alarm = setTimeout(() => void then(move).catch(() => undefined), clamp(due - now()))
    alarm.unref()
  }
  const clamp = (ms: number): number => Math.min(Math.max(ms, 0), 60_000)

  const trim = async (partition: PartitionState, until: number): Promise<void> => {
    // With what an earlier trim took from the readers, and failed to remove.
    const end = Math.max(partition.first, Math.min(until, partition.visible))
    while (partition.swept < end && !closed) {
      const from = partition.swept
      const to = Math.min(end, from + step)
      // Before the records go: a reader behind must find a gap, not a hole.
      partition.first = Math.max(partition.first, to)
      const { topic, partition: number, next } = partition
      await writer.submit((change) => {
        change.trimmed.push({ topic, partition: number, from, first: to, next })
      })
      partition.swept = to
    }
  }

  const expire = async ({ spec, partitions }: TopicState): Promise<void> => {
    const cutoff = now() - spec.retentionMs
    for (const state of partitions) {
      let until = state.first
      do {
        await trim(state, until)
        until = store.firstSince(
          spec.name,
          state.partition,
          state.first,
          state.visible,
          cutoff,
          step,
        )
      } while (until > state.first && !closed)
    }
  }

  /** A tombstone that was never written removes nothing. */
  const isStored = ({ topic, partition, offset }: Position): boolean =>
    store.read(topic, partition, offset, offset + 1, { records: 1, bytes: 1 }).length > 0

  const forget = async ({ newest }: TopicState): Promise<void> => {
    const old = [...newest].filter(
      ([, { at, tombstoneAt }]) =>
        tombstoneAt !== undefined && tombstoneAt < now() - tombstoneMs && isStored(at),
    )
    if (old.length === 0) return
    await writer.submit((change) => {
      for (const [key, each] of old) {
        for (const at of [...each.left, each.at]) change.superseded.push({ ...at, key })
        each.left = []
      }
    })
    for (const [key, each] of old) if (newest.get(key) === each) newest.delete(key)
  }

  const round = (): Promise<void> =>
    then(async () => {
      const [confirmed] = await Promise.allSettled([confirm()])
      for (const topic of topics.values()) {
        if (topic.spec.compacted === true) await forget(topic)
        else if (topic.spec.retentionMs >= 0) await expire(topic)
      }
      if (confirmed.status === 'rejected') throw confirmed.reason
    })

  const ticking = setInterval(() => void round().catch(() => undefined), everyMs)
  ticking.unref()

  return {
    delayedUntil,
    trim: (partition, until) => then(() => trim(partition, until)),
    round,
    async close() {
      closed = true
      clearTimeout(alarm)
      clearInterval(ticking)
      await work
    },
  }
}
