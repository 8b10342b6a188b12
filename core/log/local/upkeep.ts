import type { PartitionState, TopicState } from './partitions.ts'
import type { LogStore } from './store.ts'
import type { Writer } from './writer.ts'

/** How long a removed key stays visible as such, as in Kafka (`delete.retention.ms`). */
const tombstoneMs = 24 * 3_600_000
/** Records that one step looks at or moves: it bounds how long the event loop is held. */
const step = 500
/** Delayed records that are moved at once hold no more than that, and one. */
const stepBytes = 4 * 2 ** 20

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
    const ready = store.delayed(undefined, now(), { records: step, bytes: stepBytes })
    if (ready.length > 0)
      try {
        await writer.submit((change) => writer.release(change, ready))
      } catch (error) {
        delayedUntil(now() + 1_000)
        throw error
      }
    delayedUntil(store.nextDue() ?? Infinity)
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
    while (partition.first < Math.min(until, partition.visible) && !closed) {
      const from = partition.first
      const to = Math.min(until, partition.visible, from + step)
      // Before the records go: a reader behind must find a gap, not a hole.
      partition.first = to
      const { topic, partition: number, next } = partition
      await writer.submit((change) => {
        change.trimmed.push({ topic, partition: number, from, first: to, next })
      })
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

  const forget = async ({ spec, newest }: TopicState): Promise<void> => {
    const old = [...newest].filter(
      ([, { tombstoneAt }]) => tombstoneAt !== undefined && tombstoneAt < now() - tombstoneMs,
    )
    if (old.length === 0) return
    await writer.submit((change) => {
      for (const [key, { partition, offset }] of old) {
        newest.delete(key)
        change.superseded.push({ topic: spec.name, partition, offset })
      }
    })
  }

  const round = (): Promise<void> =>
    then(async () => {
      for (const topic of topics.values()) {
        if (topic.spec.compacted === true) await forget(topic)
        else if (topic.spec.retentionMs >= 0) await expire(topic)
      }
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
