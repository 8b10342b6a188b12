import { isZenhookError, messageOf, ZenhookError } from '../../errors/index.ts'
import type { Position } from '../../event/index.ts'
import { createPartitioner } from '../partition.ts'
import type { NewRecord } from '../port.ts'
import { advance, type PartitionState, partitionIn, renew, type TopicState } from './partitions.ts'
import { type Change, type Delayed, emptyChange, type LogStore } from './store.ts'

/** A delayed record has no offset until it is due. */
export const noOffset = -1

/** Bytes of a record, with a measure for its texts. */
const sizeOf = ({ key, value, headers }: NewRecord, measure: (text: string) => number): number => {
  let size = value?.byteLength ?? 0
  if (key !== null) size += measure(key)
  for (const name in headers) size += name.length + measure(headers[name] ?? '')
  return size
}
// Nearly every record is far below the limit: then its texts need not be looked at.
const atMost = (text: string): number => 3 * text.length

/** The log's contract knows one error for "not now"; what the engine said stays its cause. */
export const unavailable = (cause: unknown): ZenhookError =>
  isZenhookError(cause) && cause.code.startsWith('ZENHOOK_LOG_')
    ? cause
    : new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', {
        message: `The log cannot be written: ${messageOf(cause)}`,
        ...(isZenhookError(cause) ? { fix: cause.fix } : {}),
        retriable: true,
        cause,
      })

export interface Writer {
  /** Throws when any of the records cannot be appended, before anything is done. */
  check(records: readonly NewRecord[]): void
  /** Adds to the write that this turn makes, and resolves once it is durable. */
  submit<T>(fill: (change: Change) => T): Promise<T>
  /** Gives records their places in a change. */
  place(change: Change, records: readonly NewRecord[]): Position[]
  /** Moves delayed records into their partitions. */
  release(change: Change, due: readonly Delayed[]): void
  /** Resolves once nothing is being written. */
  idle(): Promise<void>
}

export interface WriterOptions {
  store: LogStore
  topics: ReadonlyMap<string, TopicState>
  now: () => number
  nextSequence: number
  /** Told once delayed records are durable, or may be, for a write that failed: when the first of them is due. */
  onDelayed: (due: number) => void
}

/**
 * Turns appends, settles and trims into writes: everything asked for within one turn of the event
 * loop is one atomic change. Offsets are given at once, in the order of the calls; a write that fails
 * leaves a hole, which readers of a log bear, or has come about all the same: upkeep looks.
 */
export const createWriter = (options: WriterOptions): Writer => {
  const { store, topics, now, onDelayed } = options
  const partitionFor = createPartitioner()
  const writing = new Set<Promise<void>>()
  let sequence = options.nextSequence
  let open: { change: Change; written: Promise<void> } | undefined

  const topicOf = (name: string): TopicState => {
    const topic = topics.get(name)
    if (topic === undefined)
      throw new ZenhookError('ZENHOOK_LOG_UNKNOWN_TOPIC', {
        message: `Topic ${name} does not exist`,
      })
    return topic
  }

  const write = async (change: Change): Promise<void> => {
    try {
      await store.write(change)
    } catch (error) {
      failed(change)
      throw unavailable(error)
    } finally {
      if (change.delayed.length > 0)
        onDelayed(change.delayed.reduce((first, { due }) => Math.min(first, due), Infinity))
    }
    const ends = new Map<PartitionState, number>()
    for (const record of change.records) {
      const topic = topicOf(record.topic)
      const state = partitionIn(topic, record.partition)
      ends.set(state, record.offset + 1)
      // Compaction removes records behind their readers' backs.
      if (topic.spec.compacted !== true) state.recent.add(record)
    }
    for (const [partition, end] of ends) advance(partition, end)
  }

  const failed = ({ records, superseded }: Change): void => {
    for (const { topic, partition, offset } of records)
      partitionIn(topicOf(topic), partition).doubted = offset + 1
    // The next record of its key takes along what is still there.
    for (const { key, ...at } of superseded) {
      const newest = topicOf(at.topic).newest.get(key)
      const isNewest = newest?.at.partition === at.partition && newest.at.offset === at.offset
      if (!isNewest) newest?.left.push(at)
    }
  }

  const change = (): { change: Change; written: Promise<void> } => {
    if (open !== undefined) return open
    const change = emptyChange()
    const written = Promise.resolve().then(() => {
      open = undefined
      return write(change)
    })
    const tracked = written.catch(() => undefined).finally(() => writing.delete(tracked))
    writing.add(tracked)
    open = { change, written }
    return open
  }

  const put = (
    change: Change,
    topic: TopicState,
    record: Omit<Delayed['record'], 'topic'>,
  ): Position => {
    const state = partitionIn(topic, record.partition)
    const { key, partition } = record
    const at = { topic: topic.spec.name, partition, offset: state.next }
    state.next += 1
    change.records.push({ ...record, ...at })
    if (topic.spec.compacted === true && key !== null) {
      const newest = renew(topic, key, at, record.value === null ? now() : undefined)
      for (const older of newest.left) change.superseded.push({ ...older, key })
      newest.left = []
    }
    return at
  }

  return {
    check(records) {
      for (const record of records) {
        const { spec } = topicOf(record.topic)
        if (sizeOf(record, atMost) <= spec.maxMessageBytes) continue
        const size = sizeOf(record, Buffer.byteLength)
        if (size > spec.maxMessageBytes)
          throw new ZenhookError('ZENHOOK_LOG_RECORD_TOO_LARGE', {
            message: `A record of ${size} bytes does not fit ${record.topic}, which takes ${spec.maxMessageBytes}`,
          })
      }
    },
    submit(fill) {
      const { change: mine, written } = change()
      const result = fill(mine)
      return written.then(() => result)
    },
    place: (change, records) =>
      records.map((record) => {
        const topic = topicOf(record.topic)
        const at = now()
        const { key, notBefore = 0 } = record
        const partition = partitionFor(record, topic.spec.partitions, at)
        const placed = {
          partition,
          key,
          // Otherwise the caller may reuse its buffer before the write is made.
          value: record.value === null || record.owned ? record.value : Buffer.from(record.value),
          headers: { ...record.headers },
          timestamp: record.timestamp ?? at,
        }
        if (notBefore <= at) return put(change, topic, placed)
        change.delayed.push({
          due: notBefore,
          sequence: sequence++,
          record: { ...placed, topic: record.topic },
        })
        return { topic: record.topic, partition, offset: noOffset }
      }),
    release(change, due) {
      for (const delayed of due) {
        const topic = topicOf(delayed.record.topic)
        put(change, topic, delayed.record)
        change.due.push(delayed)
      }
    },
    async idle() {
      while (writing.size > 0) await Promise.all(writing)
    },
  }
}
