import type { StoredRecord } from '../port.ts'
import type { Limit } from './store.ts'

/** Bytes kept per partition, at most about, for the consumer that is furthest behind. */
const maxBytes = 4 * 1024 * 1024
const recordBytes = 256

/**
 * The newest records of a partition, as they were appended: readers that keep up never go to the store.
 * Holds records in order and without a hole: what a failed write may have put between two is in the store alone.
 */
export interface Recent {
  add(record: StoredRecord): void
  /** Records from an offset on within the limits; `undefined` where only the store may have the first. */
  read(from: number, limit: Limit): StoredRecord[] | undefined
  /** Lets go of the records below an offset. */
  forget(below: number): void
}

export const createRecent = (): Recent => {
  let records: StoredRecord[] = []
  let head = 0
  let bytes = 0
  /** Offset behind the last. */
  let end = 0

  const sizeOf = (record: StoredRecord): number => (record.value?.byteLength ?? 0) + recordBytes

  const forgetOldest = (): void => {
    const oldest = records[head]
    if (oldest === undefined) return
    head += 1
    bytes -= sizeOf(oldest)
    if (head * 2 < records.length) return
    records = records.slice(head)
    head = 0
  }

  const clear = (): void => {
    records = []
    head = 0
    bytes = 0
  }

  return {
    add(record) {
      if (record.offset !== end) clear()
      end = record.offset + 1
      records.push(record)
      bytes += sizeOf(record)
      while (bytes > maxBytes && records.length - head > 1) forgetOldest()
    },
    read(offset, limit) {
      const first = records[head]?.offset ?? end
      if (offset < first || offset >= end) return undefined
      const found: StoredRecord[] = []
      let size = 0
      for (let place = head + offset - first; place < records.length; place += 1) {
        const record = records[place]
        if (record === undefined || found.length >= limit.records) break
        size += record.value?.byteLength ?? 0
        if (found.length > 0 && size > limit.bytes) break
        found.push(record)
      }
      return found
    },
    forget(below) {
      while ((records[head]?.offset ?? below) < below) forgetOldest()
    },
  }
}
