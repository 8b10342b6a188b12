import { describe, expect, it } from 'vitest'
import type { StoredRecord } from '../port.ts'
import { createRecent } from './recent.ts'

const record = (offset: number, size = 10): StoredRecord => ({
  topic: 't',
  partition: 0,
  offset,
  key: null,
  value: new Uint8Array(size),
  headers: {},
  timestamp: 0,
})
const limit = { records: 100, bytes: 10_000_000 }
const offsets = (found: readonly StoredRecord[] | undefined) => found?.map(({ offset }) => offset)

describe('recent records', () => {
  it('leave everything before them to the store', () => {
    const recent = createRecent()
    expect(recent.read(0, limit)).toBeUndefined()
    recent.add(record(5))
    recent.add(record(6))
    expect(recent.read(4, limit)).toBeUndefined()
    expect(offsets(recent.read(5, limit))).toEqual([5, 6])
    expect(offsets(recent.read(6, limit))).toEqual([6])
    expect(recent.read(7, limit)).toBeUndefined()
  })

  it('leave to the store what failed writes may have put between two', () => {
    const recent = createRecent()
    recent.add(record(6))
    recent.add(record(7))
    recent.add(record(9))
    for (const offset of [5, 6, 7, 8]) expect(recent.read(offset, limit)).toBeUndefined()
    expect(offsets(recent.read(9, limit))).toEqual([9])
    recent.add(record(10))
    expect(offsets(recent.read(9, limit))).toEqual([9, 10])
  })

  it('keep to both limits of a read, and give one record whatever its size', () => {
    const recent = createRecent()
    for (let offset = 0; offset < 10; offset += 1) recent.add(record(offset, 100))
    expect(offsets(recent.read(2, { records: 3, bytes: 1_000 }))).toEqual([2, 3, 4])
    expect(offsets(recent.read(2, { records: 9, bytes: 250 }))).toEqual([2, 3])
    expect(offsets(recent.read(2, { records: 9, bytes: 1 }))).toEqual([2])
  })

  it('forget the oldest, and send readers of those to the store', () => {
    const recent = createRecent()
    for (let offset = 0; offset < 5_000; offset += 1) recent.add(record(offset, 1_000))
    expect(recent.read(0, limit)).toBeUndefined()
    expect(recent.read(500, limit)).toBeUndefined()
    const last = recent.read(4_990, limit)
    expect(offsets(last)).toEqual(Array.from({ length: 10 }, (_, index) => 4_990 + index))
  })

  it('let go of what every consumer has passed', () => {
    const recent = createRecent()
    for (let offset = 0; offset < 10; offset += 1) recent.add(record(offset))
    recent.forget(4)
    expect(recent.read(3, limit)).toBeUndefined()
    expect(offsets(recent.read(4, limit))).toEqual([4, 5, 6, 7, 8, 9])
    recent.forget(Number.POSITIVE_INFINITY)
    expect(recent.read(9, limit)).toBeUndefined()
    expect(recent.read(10, limit)).toBeUndefined()
    recent.add(record(10))
    expect(offsets(recent.read(10, limit))).toEqual([10])
  })
})
