import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { openStorage, type Storage } from '../../storage/index.ts'
import { createEmbeddedLog } from '../embedded/index.ts'
import { createMemoryDisk, createMemoryLog } from '../memory/index.ts'
import type { Gap } from '../port.ts'
import type { LocalLog } from './index.ts'
import { readAll, spec, text, textOf } from './testing.ts'

/** The clock is moved by hand; `reopen` is a restart on the same data. */
const places = {
  memory: () => {
    const disk = createMemoryDisk()
    return {
      open: async (now: () => number) => createMemoryLog({ disk, now }),
      destroy: async () => undefined,
    }
  },
  embedded: () => {
    const dir = mkdtempSync(join(tmpdir(), 'zenhook-local-'))
    let storage: Storage | undefined
    return {
      open: async (now: () => number) => {
        await storage?.close()
        storage = openStorage(dir)
        return createEmbeddedLog({ storage, now })
      },
      destroy: async () => {
        await storage?.close()
        rmSync(dir, { recursive: true, force: true })
      },
    }
  },
}

describe.each(Object.entries(places))('local log, %s', (_, makePlace) => {
  const place = makePlace()
  let clock = 1_700_000_000_000
  const now = () => clock
  let log: LocalLog
  afterEach(async () => {
    await log.close()
  })
  const hour = 3_600_000

  it('removes what is older than its retention, partition by partition, and keeps offsets', async () => {
    log = await place.open(now)
    await log.ensureTopics([spec('kept'), spec('short', { partitions: 2, retentionMs: hour })])
    const old = Array.from({ length: 2_500 }, (_, n) => ({
      topic: 'short',
      key: `k${n % 7}`,
      value: text(`old ${n}`),
    }))
    await log.append(old)
    await log.append([{ topic: 'kept', key: 'k', value: text('for ever') }])
    const ends = await log.ends('short')
    clock += hour - 1
    await log.append([{ topic: 'short', key: 'k1', value: text('young') }])
    await log.applyRetention()
    expect(await readAll(log, 'short')).toHaveLength(2_501)
    clock += 2
    await log.applyRetention()
    expect((await readAll(log, 'short')).map(textOf)).toEqual(['young'])
    expect(await readAll(log, 'kept')).toHaveLength(1)
    for (const { partition, first } of await log.ends('short'))
      expect(first).toBe(ends[partition]?.next)
    clock += 2 * hour
    await log.applyRetention()
    const empty = await log.ends('short')
    await log.close()
    log = await place.open(now)
    expect(await readAll(log, 'short')).toEqual([])
    expect(await log.ends('short')).toEqual(empty)
    const [position] = await log.append([{ topic: 'short', key: 'k1', value: text('next') }])
    expect(position?.offset).toBe(empty[position?.partition ?? 0]?.next)
  })

  it('tells a consumer that is running what it missed', async () => {
    log = await place.open(now)
    await log.ensureTopics([spec('slow')])
    const values = Array.from({ length: 10 }, (_, n) => ({
      topic: 'slow',
      key: 'k',
      value: text(String(n)),
    }))
    await log.append(values)
    const gaps: Gap[] = []
    const seen: string[] = []
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await log.subscribe(
      { group: 'slow', topics: ['slow'], maxRecords: 2, onGap: (gap) => gaps.push(gap) },
      async (batch) => {
        seen.push(...batch.records.map(textOf))
        if (seen.length === 2) await held
        return undefined
      },
    )
    while (seen.length < 2) await sleep(5)
    await log.trim('slow', 0, 7)
    release()
    while (seen.at(-1) !== '9') await sleep(5)
    expect(seen).toEqual(['0', '1', '7', '8', '9'])
    expect(gaps).toEqual([{ topic: 'slow', partition: 0, offset: 2, until: 7, group: 'slow' }])
  })

  it('compacts as it appends, forgets removed keys after a day, and after a restart too', async () => {
    log = await place.open(now)
    await log.ensureTopics([spec('compacted', { compacted: true })])
    const put = (key: string, value: string | null) =>
      log.append([{ topic: 'compacted', key, value: value === null ? null : text(value) }])
    await Promise.all([put('a', 'a1'), put('a', 'a2'), put('b', 'b1'), put('c', 'c1')])
    await put('b', null)
    await log.close()
    log = await place.open(now)
    await put('a', 'a3')
    const state = async () =>
      (await readAll(log, 'compacted')).map(({ key, value }) => [key, value && textOf({ value })])
    expect(await state()).toEqual([
      ['c', 'c1'],
      ['b', null],
      ['a', 'a3'],
    ])
    const [before] = await log.ends('compacted')
    await put('c', null)
    await log.applyRetention()
    expect(await state()).toHaveLength(3)
    clock += 25 * hour
    await log.applyRetention()
    expect(await state()).toEqual([['a', 'a3']])
    expect((await log.ends('compacted'))[0]?.next).toBe((before?.next ?? 0) + 1)
  })

  it('compacts a topic that was not compacted when its records came', async () => {
    log = await place.open(now)
    await log.ensureTopics([spec('turned')])
    const record = (key: string, value: string | null) => ({
      topic: 'turned',
      key,
      value: value === null ? null : text(value),
    })
    await log.append(['a', 'b', 'c', 'd', 'a'].map((key, n) => record(key, `${key}${n}`)))
    await log.ensureTopics([spec('turned', { compacted: true })])
    await log.close()
    log = await place.open(now)
    await Promise.all([log.append([record('b', null)]), log.append([record('c', 'c6')])])
    const state = async () =>
      (await readAll(log, 'turned')).map(({ key, value }) => [key, value && textOf({ value })])
    const kept = [
      ['a', 'a0'],
      ['d', 'd3'],
      ['a', 'a4'],
    ]
    expect(await state()).toEqual([...kept, ['b', null], ['c', 'c6']])
    clock += 25 * hour
    await log.applyRetention()
    await log.close()
    log = await place.open(now)
    expect(await state()).toEqual([...kept, ['c', 'c6']])
  })

  it('never hands out the older part of what was appended at once, once that is trimmed', async () => {
    log = await place.open(now)
    await log.ensureTopics([spec('cut', { retentionMs: hour })])
    const at = (n: number) => ({ topic: 'cut', key: 'k', value: text(String(n)) })
    await log.append(
      Array.from({ length: 10 }, (_, n) => ({ ...at(n), timestamp: clock - hour + (n - 4) })),
    )
    const seen = async () => {
      const values: string[] = []
      for await (const record of log.read({ topic: 'cut', partition: 0, offset: 0 }))
        values.push(textOf(record))
      return values
    }
    await log.applyRetention()
    expect(await seen()).toEqual(['4', '5', '6', '7', '8', '9'])
    await log.close()
    log = await place.open(now)
    expect(await seen()).toEqual(['4', '5', '6', '7', '8', '9'])
    expect(await log.ends('cut')).toMatchObject([{ first: 4, next: 10 }])
    clock += 100
    await log.applyRetention()
    expect(await seen()).toEqual([])
    const [position] = await log.append([at(10)])
    expect(position?.offset).toBe(10)
  })

  it('keeps partitions when a topic is asked for with more, and takes its new limits', async () => {
    log = await place.open(now)
    await log.ensureTopics([spec('grown', { partitions: 2 })])
    await log.ensureTopics([spec('grown', { partitions: 4, maxMessageBytes: 10 })])
    expect(await log.ends('grown')).toHaveLength(2)
    const large = log.append([{ topic: 'grown', key: 'k', value: new Uint8Array(11) }])
    await expect(large).rejects.toMatchObject({ code: 'ZENHOOK_LOG_RECORD_TOO_LARGE' })
  })

  it('hands out delayed records in the order they fall due, many at once', async () => {
    log = await place.open(Date.now)
    await log.ensureTopics([spec('delayed', { partitions: 1 })])
    const at = Date.now() + 1_500
    const records = Array.from({ length: 1_500 }, (_, n) => ({
      topic: 'delayed',
      key: 'k',
      value: text(String(n)),
      notBefore: at + (n % 3),
    }))
    const positions = await log.append(records)
    expect(positions.every(({ offset }) => offset === -1)).toBe(true)
    expect(await readAll(log, 'delayed')).toEqual([])
    const due = records.toSorted((a, b) => a.notBefore - b.notBefore).map(textOf)
    for (let tries = 0; (await readAll(log, 'delayed')).length < 1_500 && tries < 500; tries += 1)
      await sleep(10)
    expect((await readAll(log, 'delayed')).map(textOf)).toEqual(due)
  })

  it('ends', async () => {
    log = await place.open(now)
    await log.close()
    await place.destroy()
  })
})
