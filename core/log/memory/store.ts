import { ZenhookError } from '../../errors/index.ts'
import {
  type Change,
  type Delayed,
  type LogStore,
  type Progress,
  withinLimit,
} from '../local/store.ts'
import type { StoredRecord, TopicEnd, TopicSpec } from '../port.ts'

interface Partition extends TopicEnd {
  /** Ascending offsets, with holes. */
  records: StoredRecord[]
}

/** What outlives a memory log: another log opened on it goes on where the former stopped. */
export interface MemoryDisk {
  /** The store of the log that is opened now. The former one is dead: what it still writes is lost. */
  mount(): LogStore
}

/** Index of the first record at or after an offset. */
const indexOf = (records: readonly StoredRecord[], offset: number): number => {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle]?.offset ?? Infinity) < offset) low = middle + 1
    else high = middle
  }
  return low
}

export const createMemoryDisk = (): MemoryDisk => {
  const topics = new Map<string, TopicSpec>()
  const partitions = new Map<string, Partition>()
  const progress = new Map<string, Progress>()
  let delayed: Delayed[] = []
  let mounted = 0

  const partitionAt = (topic: string, partition: number): Partition => {
    const key = `${topic}/${partition}`
    const known = partitions.get(key) ?? { topic, partition, first: 0, next: 0, records: [] }
    partitions.set(key, known)
    return known
  }

  const apply = (change: Change): void => {
    for (const spec of change.topics) topics.set(spec.name, spec)
    for (const record of change.records) {
      const partition = partitionAt(record.topic, record.partition)
      partition.records.push(record)
      partition.next = record.offset + 1
    }
    for (const { topic, partition, offset } of change.superseded) {
      const { records } = partitionAt(topic, partition)
      const index = indexOf(records, offset)
      if (records[index]?.offset === offset) records.splice(index, 1)
    }
    for (const { topic, partition, first } of change.trimmed) {
      const state = partitionAt(topic, partition)
      state.records.splice(0, indexOf(state.records, first))
      state.first = first
    }
    for (const [key, each] of change.progress) progress.set(key, each)
    if (change.due.length > 0) {
      const moved = new Set(change.due.map(({ sequence }) => sequence))
      delayed = delayed.filter(({ sequence }) => !moved.has(sequence))
    }
    if (change.delayed.length > 0)
      delayed = [...delayed, ...change.delayed].sort(
        (a, b) => a.due - b.due || a.sequence - b.sequence,
      )
  }

  const mount = (): LogStore => {
    mounted += 1
    const mine = mounted
    let closed = false
    return {
      load: () => ({
        topics: [...topics.values()],
        ends: [...partitions.values()],
        progress: [...progress.values()],
        nextSequence: Math.max(-1, ...delayed.map(({ sequence }) => sequence)) + 1,
      }),
      async write(change) {
        // A write takes a while, as elsewhere: what a crash overtakes is not there.
        await new Promise((resolve) => setImmediate(resolve))
        if (closed || mine !== mounted)
          throw new ZenhookError('ZENHOOK_LOG_CLOSED', { message: 'The memory log is gone' })
        apply(change)
      },
      read(topic, partition, from, to, limit) {
        const { records } = partitionAt(topic, partition)
        const found: StoredRecord[] = []
        let bytes = 0
        for (let index = indexOf(records, from); index < records.length; index += 1) {
          const record = records[index]
          if (record === undefined || record.offset >= to) break
          bytes += record.value?.byteLength ?? 0
          if (found.length > 0 && (found.length >= limit.records || bytes > limit.bytes)) break
          found.push(record)
        }
        return found
      },
      firstSince(topic, partition, from, to, cutoff, limit) {
        const { records } = partitionAt(topic, partition)
        const start = indexOf(records, from)
        const looked = records.slice(start, start + limit).filter(({ offset }) => offset < to)
        const young = looked.find(({ timestamp }) => timestamp >= cutoff)
        return young?.offset ?? (looked.at(-1)?.offset ?? from - 1) + 1
      },
      nextDue: () => delayed[0]?.due,
      delayed(after, dueBy, limit) {
        const from =
          after === undefined
            ? 0
            : delayed.findIndex(
                ({ due, sequence }) =>
                  due > after.due || (due === after.due && sequence > after.sequence),
              )
        return from < 0 ? [] : withinLimit(delayed.slice(from, from + limit.records), dueBy, limit)
      },
      async ping() {
        if (closed || mine !== mounted) throw new Error('The memory log is gone')
      },
      async close() {
        closed = true
      },
    }
  }
  return { mount }
}
