import { appendFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { NewRecord } from '../../core/log/port.ts'
import { crc32c } from './crc32c.ts'
import { openSpool } from './spool.ts'
import { dir, drained, record as plainRecord } from './testing.ts'

/** With a header that takes more bytes than letters. */
const record = (n: number, size = 10): NewRecord => {
  const plain = plainRecord(n, size)
  return { ...plain, headers: { ...plain.headers, note: 'Grüße' } }
}

const segments = async (): Promise<string[]> =>
  (await readdir(dir)).filter((name) => name.endsWith('.seg')).sort()

describe('crc32c', () => {
  it('gives the check value of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  })
})

describe('spool', () => {
  it('gives back what was written, in order and byte for byte, and leaves an empty folder', async () => {
    const spool = await openSpool({ dir, segmentBytes: 500 })
    await Promise.all(Array.from({ length: 50 }, (_, n) => spool.write(record(n))))
    expect(spool.stats().records).toBe(50)
    expect((await segments()).length).toBeGreaterThan(0)
    const found = await drained(spool)
    expect(found).toEqual(Array.from({ length: 50 }, (_, n) => record(n)))
    expect(spool.stats()).toMatchObject({ records: 0, bytes: 0, written: 50 })
    expect(await segments()).toEqual([])
    await spool.close()
  })

  it('tells which keys wait', async () => {
    const spool = await openSpool({ dir })
    expect(spool.holds('k1')).toBe(false)
    await spool.write(record(1))
    expect([spool.holds('k1'), spool.holds('k2'), spool.holds(null)]).toEqual([true, false, false])
    await drained(spool)
    expect(spool.holds('k1')).toBe(false)
    await spool.close()
  })

  it('keeps records over a restart, without those that were drained', async () => {
    const first = await openSpool({ dir, segmentBytes: 300 })
    for (let n = 0; n < 20; n += 1) await first.write(record(n))
    const batch = await first.peek(9, 1_000_000)
    const taken = batch?.records.length ?? 0
    expect(taken).toBeGreaterThan(0)
    await batch?.commit()
    await first.close()

    const second = await openSpool({ dir, segmentBytes: 300 })
    expect(second.stats().records).toBe(20 - taken)
    expect(second.holds('k0')).toBe(true)
    await second.write(record(20))
    const found = await drained(second)
    expect(found.map(({ timestamp }) => timestamp)).toEqual(
      Array.from({ length: 21 - taken }, (_, n) => n + taken),
    )
    await second.close()
    // Numbers are not used twice, or progress would hide what is new.
    const third = await openSpool({ dir })
    await third.write(record(99))
    await third.close()
    const fourth = await openSpool({ dir })
    expect(fourth.stats().records).toBe(1)
    await fourth.close()
  })

  it('cuts off a torn end at any byte, and keeps the rest', async () => {
    const whole = await openSpool({ dir })
    for (let n = 0; n < 3; n += 1) await whole.write(record(n))
    await whole.close()
    const path = join(dir, (await segments())[0] ?? '')
    const bytes = await readFile(path)
    const last = bytes.length / 3
    for (let cut = 1; cut < last; cut += 7) {
      await writeFile(path, bytes)
      await truncate(path, bytes.length - cut)
      const spool = await openSpool({ dir })
      expect(spool.stats().records).toBe(2)
      await spool.close()
      expect((await readFile(path)).length).toBe(2 * last)
    }
    await writeFile(path, bytes)
    await appendFile(path, 'ZHS1garbage that looks like a frame')
    const spool = await openSpool({ dir })
    expect((await drained(spool)).map(({ timestamp }) => timestamp)).toEqual([0, 1, 2])
    await spool.close()
  })

  it('skips a damaged stretch in the middle, says so, and keeps what follows', async () => {
    const whole = await openSpool({ dir })
    for (let n = 0; n < 3; n += 1) await whole.write(record(n))
    await whole.close()
    const path = join(dir, (await segments())[0] ?? '')
    const bytes = await readFile(path)
    bytes[bytes.length / 2] = (bytes[bytes.length / 2] ?? 0) ^ 0xff
    await writeFile(path, bytes)
    const told: object[] = []
    const logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: object) => told.push(fields),
      child: () => logger,
    }
    const spool = await openSpool({ dir, logger })
    expect((await drained(spool)).map(({ timestamp }) => timestamp)).toEqual([0, 2])
    expect(told[0]).toMatchObject({ records: 1, bytes: bytes.length / 3 })
    await spool.close()
  })

  it('refuses what does not fit, and takes records again once there is room', async () => {
    const spool = await openSpool({ dir, maxBytes: 2_000 })
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, (_, n) => spool.write(record(n, 200))),
    )
    const kept = results.filter(({ status }) => status === 'fulfilled').length
    expect(kept).toBeGreaterThan(1)
    expect(kept).toBeLessThan(10)
    expect(results.at(-1)).toMatchObject({ reason: { code: 'ZENHOOK_INGRESS_SPOOL_FULL' } })
    expect(spool.stats().bytes).toBeLessThanOrEqual(2_000)
    expect(await drained(spool)).toHaveLength(kept)
    await spool.write(record(1, 200))
    await spool.close()
  })

  it('refuses a folder that another one holds, and names its pid', async () => {
    const locked = (pid: number) => ({
      code: 'ZENHOOK_INGRESS_SPOOL_LOCKED',
      message: expect.stringContaining(`in use by process ${pid}`),
      details: { dir, pid },
    })
    const spool = await openSpool({ dir })
    await expect(openSpool({ dir })).rejects.toMatchObject(locked(process.pid))
    await spool.close()
    const lock = join(dir, 'lock.json')
    await writeFile(lock, JSON.stringify({ pid: process.ppid, started: '' }))
    await expect(openSpool({ dir })).rejects.toMatchObject(locked(process.ppid))
    await writeFile(lock, JSON.stringify({ pid: 2_147_483_646, started: '' }))
    await (await openSpool({ dir })).close()
  })
})
