import { timeOf } from '../event/index.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import type { Missed, Receipt } from './types.ts'

export const receivedTopic = 'received'
const liveRun = 'live'

/** Next offsets by partition. */
export type Cursors = Map<number, number>

export interface Chunk {
  receipts: readonly Receipt[]
  /** By partition: everything below has been read. */
  through: ReadonlyMap<number, number>
  /** Offsets that should be there and are not: retention was faster. */
  holes: readonly Missed[]
}

export interface ReadOptions {
  /** Where to begin, by partition, and where to end (exclusive). */
  from: ReadonlyMap<number, number>
  to: ReadonlyMap<number, number>
  chunkSize: number
  /** A partition is read no further than its first record that was appended after this, ms. */
  notAfter?: number
  signal: AbortSignal
}

interface Head {
  partition: number
  record: StoredRecord
  /** The offset that comes next if none is missing. */
  expected: number
  rest: AsyncIterator<StoredRecord>
}

/**
 * The records of all partitions side by side, oldest first, in chunks: what was received together is looked
 * up together. Only headers are read. At most a chunk and one fetch per partition are in memory.
 */
export async function* readReceipts(
  log: Pick<Log, 'read'>,
  options: ReadOptions,
): AsyncGenerator<Chunk> {
  const { from, to, chunkSize, notAfter = Number.POSITIVE_INFINITY, signal } = options
  const heads: Head[] = []
  const through = new Map(from)
  const open: AsyncIterator<StoredRecord>[] = []
  let holes: Missed[] = []
  try {
    for (const [partition, offset] of from) {
      const end = to.get(partition) ?? 0
      if (offset >= end) continue
      const position = { topic: receivedTopic, partition, offset }
      const rest = log.read(position, end, signal)[Symbol.asyncIterator]()
      open.push(rest)
      const first = await rest.next()
      if (first.done !== true && first.value.timestamp <= notAfter)
        heads.push({ partition, record: first.value, expected: offset, rest })
    }
    let receipts: Receipt[] = []
    while (heads.length > 0) {
      const index = oldest(heads)
      const head = heads[index]
      if (head === undefined) break
      const { record, expected } = head
      const { topic, partition, offset } = record
      receipts.push(receiptOf(record))
      if (offset > expected) holes.push({ topic, partition, offset: expected, until: offset })
      head.expected = offset + 1
      const next = await head.rest.next()
      // A range may end before its end (a leader that lags): what was not read is not passed.
      if (next.done === true || next.value.timestamp > notAfter) {
        through.set(partition, head.expected)
        heads.splice(index, 1)
      } else head.record = next.value
      if (receipts.length < chunkSize) continue
      signal.throwIfAborted()
      for (const each of heads) through.set(each.partition, each.expected)
      yield { receipts, through: new Map(through), holes }
      receipts = []
      holes = []
    }
    signal.throwIfAborted()
    yield { receipts, through: new Map(through), holes }
  } finally {
    for (const each of open) await each.return?.()
  }
}

const oldest = (heads: readonly Head[]): number => {
  let found = 0
  for (let index = 1; index < heads.length; index += 1)
    if ((heads[index]?.record.timestamp ?? 0) < (heads[found]?.record.timestamp ?? 0)) found = index
  return found
}

export const receiptOf = (record: StoredRecord): Receipt => {
  const { headers, partition, offset, timestamp } = record
  const { id } = headers
  return {
    id: id ?? placeOf(partition, offset),
    run: headers.run ?? liveRun,
    tenant: headers.tenant ?? '',
    source: headers.source ?? '',
    partition,
    offset,
    // A replay may have a time of its own; else the two are the same.
    at: (headers.run === undefined || id === undefined ? undefined : timeOf(id)) ?? timestamp,
    stamp: timestamp,
  }
}

/** What stands for the id of a record that has none. */
export const placeOf = (partition: number, offset: number): string =>
  `${receivedTopic}/${partition}/${offset}`

/** Remembers so many ids, the latest: a second copy in the log lies close to the first. */
export const createRecent = (limit: number) => {
  const known = new Set<string>()
  return {
    /** Whether it was there already; it is from now on. */
    seen({ id, run }: Receipt): boolean {
      const key = run === liveRun ? id : `${id} ${run}`
      if (known.has(key)) return true
      known.add(key)
      if (known.size > limit) for (const first of known) return !known.delete(first)
      return false
    },
  }
}

export type Recent = ReturnType<typeof createRecent>
