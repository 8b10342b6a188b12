import type { StoredRecord } from '../port.ts'
import type { Limit } from './store.ts'

/** Bytes kept per partition, at most about, for the consumer that is furthest behind. */
const maxBytes = 4 * 1024 * 1024
const recordBytes = 256

/**
 * The newest records of a partition, as they were appended: readers that keep up never go to the store.
 * Holds every visible record from `from` on, in order.
 */
export interface Recent {
  add(record: StoredRecord, visible: number): void
  /** Records from an offset on within the limits; `undefined` where only the store has them all. */
  read(from: number, limit: Limit): StoredRecord[] | undefined
  /** Lets go of the records below an offset. */
  forget(below: number): void
  clear(): void
}

export const createRecent = (): Recent => {
  let records: StoredRecord[] = []
  let head = 0
  let bytes = 0
  let from = Number.POSITIVE_INFINITY

  const sizeOf = (record: StoredRecord): number => (record.value?.byteLength ?? 0) + recordBytes

  /** Place of the first record at an offset or behind it. */
  const placeOf = (offset: number): number => {
    let low = head
    let high = records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((records[middle]?.offset ?? offset) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  const forgetOldest = (): void => {
    const oldest = records[head]
    if (oldest === undefined) return
    head += 1
    bytes -= sizeOf(oldest)
    from = oldest.offset + 1
    if (head * 2 < records.length) return
    records = records.slice(head)
    head = 0
  }

  return {
    add(record, visible) {
      if (head === records.length) from = Math.min(from, visible)
      records.push(record)
      bytes += sizeOf(record)
      while (bytes > maxBytes && records.length - head > 1) forgetOldest()
    },
    read(offset, limit) {
      if (offset < from) return undefined
      const found: StoredRecord[] = []
      let size = 0
      for (let place = placeOf(offset); place < records.length; place += 1) {
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
    clear() {
      records = []
      head = 0
      bytes = 0
      from = Number.POSITIVE_INFINITY
    },
  }
}
