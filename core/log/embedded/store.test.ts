import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStorage, type Storage } from '../../storage/index.ts'
import { type Change, emptyChange, type LogStore } from '../local/store.ts'
import type { StoredRecord } from '../port.ts'
import { chunkAt, chunkLimit } from './chunk.ts'
import { createEmbeddedLog } from './index.ts'
import { encodeRecord } from './record.ts'
import { createEmbeddedStore } from './store.ts'

const topic = 't'
const turn = () => new Promise((resolve) => setImmediate(resolve))
const unlimited = { records: 1_000_000, bytes: 2 ** 40 }

const recordOf = (offset: number, rest: Partial<StoredRecord> = {}): StoredRecord => ({
  topic,
  partition: 0,
  offset,
  key: `key ${offset}`,
  value: Buffer.from(`value ${offset}`),
  headers: offset % 3 === 0 ? {} : { n: String(offset) },
  timestamp: 1_000 + offset,
  ...rest,
})
const recordsOf = (from: number, to: number, rest: Partial<StoredRecord> = {}): StoredRecord[] =>
  Array.from({ length: to - from }, (_, n) => recordOf(from + n, rest))
const changeOf = (change: Partial<Change>): Change => ({ ...emptyChange(), ...change })

describe('the store of the embedded log', () => {
  let dir: string
  let storage: Storage
  let store: LogStore
  const reopen = async (): Promise<void> => {
    await storage.close()
    storage = openStorage(dir)
    store = createEmbeddedStore(storage)
  }
  const specOf = (name: string, compacted = false) => ({
    name,
    partitions: 2,
    retentionMs: -1,
    maxMessageBytes: 2 ** 23,
    compacted,
  })
  const append = (...records: StoredRecord[]): Promise<void> => store.write(changeOf({ records }))
  const read = (from: number, to = Number.MAX_SAFE_INTEGER, limit = unlimited, partition = 0) =>
    store.read(topic, partition, from, to, limit)
  const offsets = (...args: Parameters<typeof read>) => read(...args).map(({ offset }) => offset)
  /** What lies under each key of a partition, as `first offset: records`. */
  const stored = (partition = 0): string[] => {
    const table = storage.table('log.records')
    const all = { from: Uint8Array.of(0), to: new Uint8Array(17).fill(255) }
    return [...table.range(all)]
      .map(({ key, value }) => ({ key: Buffer.from(key), value }))
      .filter(({ key }) => key.readUInt32BE(4) === partition)
      .map(({ key, value }) => chunkAt(Number(key.readBigUInt64BE(8)), value))
      .map(({ base, count }) => `${base}: ${count}`)
  }

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'zenhook-store-'))
    storage = openStorage(dir)
    store = createEmbeddedStore(storage)
    await store.write(changeOf({ topics: [specOf(topic)] }))
  })
  afterEach(async () => {
    await storage.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it('gives the records that one transaction writes one value per partition', async () => {
    const other = recordsOf(0, 3, { partition: 1 })
    await Promise.all([
      append(recordOf(0), recordOf(1)),
      append(recordOf(2), ...other.slice(0, 2)),
      append(recordOf(3), ...other.slice(2)),
    ])
    await append(recordOf(4))
    expect(stored()).toEqual(['0: 4', '4: 1'])
    expect(stored(1)).toEqual(['0: 3'])
    expect(read(0)).toEqual(recordsOf(0, 5))
    expect(read(0, 3, unlimited, 1)).toEqual(other)
    await reopen()
    expect(read(0)).toEqual(recordsOf(0, 5))
    expect(store.load().ends).toEqual([
      { topic, partition: 0, first: 0, next: 5 },
      { topic, partition: 1, first: 0, next: 3 },
    ])
  })

  it('reads from the middle of a value, and up to its middle', async () => {
    await append(...recordsOf(0, 10))
    await append(...recordsOf(10, 15))
    await append(...recordsOf(18, 20))
    expect(stored()).toEqual(['0: 10', '10: 5', '18: 2'])
    for (let from = 0; from < 22; from += 1)
      for (let to = from; to < 22; to += 1) {
        const wanted = [...recordsOf(0, 15), ...recordsOf(18, 20)]
        expect(read(from, to)).toEqual(wanted.filter(({ offset }) => offset >= from && offset < to))
      }
  })

  it('keeps to limits that end inside a value, and gives one record at least', async () => {
    await append(...recordsOf(0, 10))
    await append(...recordsOf(10, 20))
    expect(offsets(3, 20, { ...unlimited, records: 4 })).toEqual([3, 4, 5, 6])
    expect(offsets(8, 20, { ...unlimited, records: 4 })).toEqual([8, 9, 10, 11])
    const size = (offset: number) => encodeRecord(recordOf(offset)).byteLength
    const bytes = size(7) + size(8) + size(9) + size(10)
    expect(offsets(7, 20, { ...unlimited, bytes })).toEqual([7, 8, 9, 10])
    expect(offsets(7, 20, { ...unlimited, bytes: bytes - 1 })).toEqual([7, 8, 9])
    expect(offsets(7, 20, { ...unlimited, bytes: 1 })).toEqual([7])
  })

  it('bounds a value by records and by bytes, and leaves a larger record alone', async () => {
    await append(...recordsOf(0, 2 * chunkLimit.records + 3))
    expect(stored()).toEqual(['0: 256', '256: 256', '512: 3'])
    expect(read(0)).toEqual(recordsOf(0, 515))
    expect(offsets(511, 600)).toEqual([511, 512, 513, 514])
    const value = Buffer.alloc(chunkLimit.bytes / 3 - 100, 7)
    const huge = recordOf(519, { value: Buffer.alloc(4 * chunkLimit.bytes, 9) })
    const large = [...recordsOf(515, 519, { value }), huge, ...recordsOf(520, 522)]
    await append(...large)
    expect(stored().slice(3)).toEqual(['515: 3', '518: 1', '519: 1', '520: 2'])
    const asText = (records: readonly StoredRecord[]) =>
      records.map((record) => ({ ...record, value: Buffer.from(record.value ?? []).toString() }))
    expect(asText(read(515))).toEqual(asText(large))
  })

  it('takes records of any time, key and value', async () => {
    const times = [0, -1, -1e300, 5e-324, Number.MAX_SAFE_INTEGER, 1_700_000_000_000.5]
    const records = times.map((timestamp, offset) =>
      recordOf(offset, {
        timestamp,
        key: offset % 2 === 0 ? null : 'ключ',
        value: offset % 3 === 0 ? null : Buffer.alloc(offset % 3 === 1 ? 0 : 5, 255),
      }),
    )
    for (const record of records) await append(record)
    await append(...records.map((record) => ({ ...record, offset: record.offset + 6 })))
    expect(stored()).toEqual(['0: 1', '1: 1', '2: 1', '3: 1', '4: 1', '5: 1', '6: 6'])
    expect(read(0, 6)).toEqual(records)
    expect(read(6).map(({ offset, ...rest }) => ({ ...rest, offset: offset - 6 }))).toEqual(records)
  })

  it('finds the first record of a time inside a value, and looks no further than its limit', async () => {
    await append(...recordsOf(0, 10))
    await append(...recordsOf(10, 20))
    const since = (cutoff: number, from = 0, to = 20, limit = 500) =>
      store.firstSince(topic, 0, from, to, cutoff, limit)
    expect(since(0)).toBe(0)
    expect(since(1_004)).toBe(4)
    expect(since(1_013.5, 6)).toBe(14)
    expect(since(1_013.5, 16)).toBe(16)
    expect(since(2_000)).toBe(20)
    expect(since(2_000, 3, 7)).toBe(7)
    expect(since(2_000, 3, 20, 4)).toBe(7)
    expect(since(2_000, 7, 20, 5)).toBe(12)
  })

  it('removes a value once all of its records are trimmed', async () => {
    await append(...recordsOf(0, 10))
    await append(...recordsOf(10, 20))
    const trim = (from: number, first: number) =>
      store.write(changeOf({ trimmed: [{ topic, partition: 0, from, first, next: 20 }] }))
    await trim(0, 7)
    expect(stored()).toEqual(['0: 10', '10: 10'])
    expect(store.load().ends[0]).toMatchObject({ first: 7, next: 20 })
    // In one transaction, none of which sees the other.
    await Promise.all([trim(7, 9), trim(9, 12)])
    expect(stored()).toEqual(['10: 10'])
    await trim(12, 20)
    expect(stored()).toEqual([])
    await reopen()
    expect(store.load().ends[0]).toEqual({ topic, partition: 0, first: 20, next: 20 })
  })

  it('keeps records of compacted topics apart, and takes them out of values from before', async () => {
    await append(...recordsOf(0, 6))
    await store.write(changeOf({ topics: [specOf(topic, true)] }))
    await append(...recordsOf(6, 9))
    expect(stored()).toEqual(['0: 6', '6: 1', '7: 1', '8: 1'])
    const at = (offset: number) => ({ topic, partition: 0, offset, key: `key ${offset}` })
    await Promise.all([
      store.write(changeOf({ superseded: [at(0), at(7)] })),
      store.write(changeOf({ superseded: [at(3)] })),
      store.write(changeOf({ records: [recordOf(9), recordOf(10)], superseded: [at(9)] })),
    ])
    const wanted = [1, 2, 4, 5, 6, 8, 10]
    expect(stored()).toEqual(wanted.map((offset) => `${offset}: 1`))
    expect(read(0)).toEqual(wanted.map((offset) => recordOf(offset)))
  })

  it('reads the records of the format before, one value each, among the others', async () => {
    const table = storage.table('log.records')
    const operations = recordsOf(0, 300).map((record) => {
      const key = Buffer.alloc(16)
      key.writeBigUInt64BE(BigInt(record.offset), 8)
      return { table, key, value: encodeRecord(record) }
    })
    await storage.write(operations).synced
    await reopen()
    expect(store.load().ends[0]).toMatchObject({ first: 0, next: 300 })
    await append(...recordsOf(300, 310))
    expect(stored()).toHaveLength(301)
    expect(read(0)).toEqual(recordsOf(0, 310))
    expect(offsets(298, 303)).toEqual([298, 299, 300, 301, 302])
    expect(store.firstSince(topic, 0, 0, 310, 1_305, 1_000)).toBe(305)
  })

  it('writes on after changes that it cannot write', async () => {
    const bad = append(recordOf(0), recordOf(0, { topic: 'unknown' }))
    await expect(bad).rejects.toThrow('unknown')
    expect(stored()).toEqual([])
    await append(recordOf(1))
    expect(offsets(0)).toEqual([1])
  })

  it('what is written while the folder closes is whole, and what comes behind is refused', async () => {
    await append(...recordsOf(0, 4))
    const trimmed = [{ topic, partition: 0, from: 0, first: 4, next: 4 }]
    const last = store.write(changeOf({ trimmed, records: recordsOf(4, 6) }))
    const closed = storage.close()
    await last
    await closed
    await expect(append(recordOf(6))).rejects.toMatchObject({ code: 'ZENHOOK_STORAGE_UNUSABLE' })
    await reopen()
    expect(stored()).toEqual(['4: 2'])
  })

  it('a log never reads what was trimmed, though its value is still there', async () => {
    const open = () => createEmbeddedLog({ storage, trimEveryMs: 3_600_000 })
    let log = open()
    await log.append(
      Array.from({ length: 10 }, (_, n) => ({
        topic,
        key: 'k',
        value: Buffer.from(String(n)),
      })),
    )
    const [end] = (await log.ends(topic)).filter(({ next }) => next === 10)
    const partition = end?.partition ?? 0
    const values = async (): Promise<string> => {
      let text = ''
      for await (const { value } of log.read({ topic, partition, offset: 0 }))
        text += Buffer.from(value ?? []).toString()
      return text
    }
    expect(await values()).toBe('0123456789')
    await log.trim(topic, partition, 4)
    expect(stored(partition)).toEqual(['0: 10'])
    expect(await values()).toBe('456789')
    await log.close()
    await reopen()
    log = open()
    expect(await values()).toBe('456789')
    expect((await log.ends(topic))[partition]).toMatchObject({ first: 4, next: 10 })
    await log.trim(topic, partition, 10)
    expect(stored(partition)).toEqual([])
    expect(await values()).toBe('')
    await log.close()
  })
  it('what a trim could not remove goes with the next', async () => {
    let full = false
    let clock = 1_000
    const watched: Storage = {
      ...storage,
      write: (operations) => {
        if (!full) return storage.write(operations)
        const refused = turn().then(() => {
          if (typeof operations === 'function') operations()
          throw new Error('no space')
        })
        refused.catch(() => undefined)
        return { committed: refused, synced: refused }
      },
    }
    const log = createEmbeddedLog({ storage: watched, now: () => clock, trimEveryMs: 3_600_000 })
    await log.ensureTopics([{ ...specOf('aged'), partitions: 1, retentionMs: 1_000 }])
    const value = Buffer.from('v')
    await log.append(Array.from({ length: 1_200 }, () => ({ topic: 'aged', key: 'k', value })))
    clock += 2_000
    full = true
    await expect(log.applyRetention()).rejects.toThrow('no space')
    expect(stored().length).toBeGreaterThan(0)
    full = false
    await log.applyRetention()
    expect(stored()).toEqual([])
    expect(await log.ends('aged')).toMatchObject([{ first: 1_200, next: 1_200 }])
    await log.close()
    await reopen()
    expect(store.load().ends).toContainEqual({
      topic: 'aged',
      partition: 0,
      first: 1_200,
      next: 1_200,
    })
  })
})
