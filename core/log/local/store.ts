import type { Position } from '../../event/index.ts'
import type { StoredRecord, TopicEnd, TopicSpec } from '../port.ts'

/** Of records that are read at once: the last of them may pass the bytes. */
export interface Limit {
  records: number
  bytes: number
}

/** A record that waits for its time. It has no offset yet; order is by `due`, then by `sequence`. */
export interface Delayed {
  due: number
  sequence: number
  record: Omit<StoredRecord, 'offset'>
}

/** The first of delayed records that are due by then, within the limits. */
export const withinLimit = (records: Iterable<Delayed>, dueBy: number, limit: Limit): Delayed[] => {
  const found: Delayed[] = []
  let bytes = 0
  for (const each of records) {
    if (each.due > dueBy || found.length >= limit.records || bytes >= limit.bytes) break
    bytes += each.record.value?.byteLength ?? 0
    found.push(each)
  }
  return found
}

export interface Progress extends Position {
  /** `offset` is the next one the group wants. */
  group: string
}

/** What one write changes; all of it or nothing. */
export interface Change {
  topics: TopicSpec[]
  records: StoredRecord[]
  progress: Map<string, Progress>
  /** Single records that compaction supersedes, each with its key. */
  superseded: (Position & { key: string })[]
  /**
   * The head of a partition goes, though the store may keep some of it for longer: nothing below `first` is
   * read any more. `next` is kept with it, for nothing else may remember it.
   */
  trimmed: (TopicEnd & { from: number })[]
  delayed: Delayed[]
  /** Delayed records that are among `records` now. */
  due: Delayed[]
}

export const emptyChange = (): Change => ({
  topics: [],
  records: [],
  progress: new Map(),
  superseded: [],
  trimmed: [],
  delayed: [],
  due: [],
})

export interface Stored {
  topics: readonly TopicSpec[]
  /** Of every partition of every topic. */
  ends: readonly TopicEnd[]
  progress: readonly Progress[]
  /** Above every sequence in use. */
  nextSequence: number
}

/**
 * Where a local log keeps its records. One log uses it at a time and decides everything (offsets,
 * progress, what to trim); the store makes it last.
 */
export interface LogStore {
  load(): Stored
  /** Atomic, and durable once resolved; takes effect in the order of the calls. */
  write(change: Change): Promise<void>
  /** Written records from `from` up to `to` (exclusive), at least one where there is one. */
  read(topic: string, partition: number, from: number, to: number, limit: Limit): StoredRecord[]
  /** The first offset from `from` on, below `to`, whose record is not older than `cutoff`; looks at `limit` records at most. */
  firstSince(
    topic: string,
    partition: number,
    from: number,
    to: number,
    cutoff: number,
    limit: number,
  ): number
  /** When the first delayed record is due. */
  nextDue(): number | undefined
  /** Delayed records in order behind `after` that are due by then, within the limits. */
  delayed(
    after: Pick<Delayed, 'due' | 'sequence'> | undefined,
    dueBy: number,
    limit: Limit,
  ): Delayed[]
  /** Rejects when writes would fail now. */
  ping(): Promise<void>
  close(): Promise<void>
}
