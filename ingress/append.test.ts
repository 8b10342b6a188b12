import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ZenhookError } from '../core/errors/index.ts'
import type { NewRecord } from '../core/log/port.ts'
import { type Appender, createAppender } from './append.ts'
import { openSpool, type Spool } from './spool/spool.ts'
import { faulty } from './testing/fakes.ts'

const record = (n: number, key = 'k'): NewRecord => ({
  topic: 'received',
  key,
  value: Buffer.from(String(n)),
  headers: { n: String(n) },
})

let dir: string
let spool: Spool
let appender: Appender
const kept: { n: number; key: string | null }[] = []
const log = faulty({
  append: async (records) =>
    records.map(({ headers, key }, offset) => {
      kept.push({ n: Number(headers?.n), key })
      return { topic: 'received', partition: 0, offset }
    }),
})
const rejected: NewRecord[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zenhook-append-'))
  spool = await openSpool({ dir, maxBytes: 20_000 })
  kept.length = 0
  rejected.length = 0
  log.mode = 'ok'
  log.calls = 0
  appender = createAppender({
    log,
    spool,
    onRejected: async (each) => {
      rejected.push(each)
    },
  })
})
afterEach(async () => {
  await appender.close()
  await spool.close()
  await rm(dir, { recursive: true, force: true })
})

const emptied = () => expect.poll(() => spool.stats().records, { timeout: 8_000 }).toBe(0)

describe('append', () => {
  it('goes to the log while it answers', async () => {
    expect(await appender.append(record(1), 100)).toBe('log')
    expect(spool.stats().written).toBe(0)
  })

  it.each(['reject', 'lost'] as const)('goes to the spool when the log does: %s', async (mode) => {
    log.mode = mode
    const startedAt = performance.now()
    expect(await appender.append(record(1), 100)).toBe('spool')
    expect(performance.now() - startedAt).toBeLessThan(600)
    expect(appender.up()).toBe(false)
    // The next ones do not wait for the whole deadline each.
    const again = performance.now()
    for (let n = 2; n < 12; n += 1)
      expect(await appender.append(record(n, `k${n}`), 1_500)).toBe('spool')
    expect(performance.now() - again).toBeLessThan(1_000)
  })

  it('drains by itself once the log is back, in order per key, and is up again', async () => {
    log.mode = 'reject'
    for (let n = 0; n < 40; n += 1) await appender.append(record(n, `k${n % 4}`), 100)
    log.mode = 'ok'
    await emptied()
    expect(appender.up()).toBe(true)
    for (const key of ['k0', 'k1', 'k2', 'k3']) {
      const numbers = kept.filter((each) => each.key === key).map(({ n }) => n)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      expect(numbers).toHaveLength(10)
    }
    expect(await appender.append(record(99), 100)).toBe('log')
  })

  it('lets no record of a key pass those of it that wait', async () => {
    log.mode = 'reject'
    await appender.append(record(0, 'busy'), 100)
    log.mode = 'late'
    const wait = setInterval(() => log.release(), 20)
    for (let n = 1; n < 30; n += 1) await appender.append(record(n, 'busy'), 500)
    await emptied()
    clearInterval(wait)
    const first = new Map<number, number>()
    kept.forEach(({ n }, at) => {
      if (!first.has(n)) first.set(n, at)
    })
    expect([...first.keys()]).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })

  it('does not take one slow append for an absent log', async () => {
    log.mode = 'lost'
    const slow = appender.append(record(1, 'slow'), 150)
    log.mode = 'ok'
    expect(await appender.append(record(2, 'other'), 150)).toBe('log')
    expect(await slow).toBe('spool')
    expect(appender.up()).toBe(true)
    await emptied()
  })

  describe('while one partition takes nothing', () => {
    const unavailable = () => new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
    let healed = false
    const startOver = async (): Promise<Appender> => {
      healed = false
      await appender.close()
      appender = createAppender({
        spool,
        log: {
          append: async (records) => {
            if (!healed && records.some(({ key }) => key === 'stuck')) {
              await new Promise((resolve) => setTimeout(resolve, 200))
              throw unavailable()
            }
            return log.append(records)
          },
        },
      })
      return appender
    }

    it('the others reach the log, also after its append has failed', async () => {
      const { append, up } = await startOver()
      const stuck = append(record(1, 'stuck'), 50)
      for (let n = 2; n < 12; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 30))
        expect(await append(record(n, `k${n}`), 1_500)).toBe('log')
      }
      expect(await stuck).toBe('spool')
      expect(up()).toBe(true)
      healed = true
      await emptied()
    })

    it('on a quiet day too: one request asks the log every so often', async () => {
      const { append, up } = await startOver()
      expect(await append(record(1, 'stuck'), 50)).toBe('spool')
      expect(up()).toBe(false)
      expect(await append(record(2, 'other'), 1_500)).toBe('spool')
      const startedAt = performance.now()
      for (let n = 3; !up(); n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        await append(record(n, `k${n}`), 1_500)
        expect(performance.now() - startedAt).toBeLessThan(5_000)
      }
      expect(spool.stats().records).toBeGreaterThan(0)
      healed = true
      await emptied()
    }, 15_000)
  })

  it('refuses when the spool is full, and says whether the log may have it', async () => {
    log.mode = 'reject'
    const results = await Promise.allSettled(
      Array.from({ length: 300 }, (_, n) => appender.append(record(n, `k${n}`), 100)),
    )
    const refused = results.filter(({ status }) => status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]).toMatchObject({
      reason: { code: 'ZENHOOK_INGRESS_UNAVAILABLE', retriable: true },
    })
    const calls = log.calls
    await expect(appender.append(record(999), 100)).rejects.toMatchObject({
      details: { unknown: false },
    })
    // Known down: it was not even tried, beyond what the drain tries.
    expect(log.calls - calls).toBeLessThanOrEqual(2)
    log.mode = 'ok'
    await emptied()
    const stored = new Set(kept.map(({ n }) => n))
    results.forEach(({ status }, n) => {
      if (status === 'fulfilled') expect(stored.has(n)).toBe(true)
    })
    expect(await appender.append(record(1_000), 100)).toBe('log')
  })

  it('never retries what the log cannot take', async () => {
    log.mode = 'too-large'
    await expect(appender.append(record(1), 100)).rejects.toMatchObject({
      code: 'ZENHOOK_LOG_RECORD_TOO_LARGE',
    })
    log.mode = 'reject'
    await appender.append(record(2), 100)
    log.mode = 'too-large'
    await emptied()
    expect(rejected.map(({ headers }) => headers?.n)).toEqual(['2'])
  })

  it('closes at once while the log does not answer, and keeps what waits', async () => {
    log.mode = 'lost'
    await appender.append(record(1), 50)
    const startedAt = performance.now()
    await appender.close()
    expect(performance.now() - startedAt).toBeLessThan(500)
    expect(spool.stats().records).toBe(1)
  })

  it('without a spool refuses, its outcome unknown, and tries each time', async () => {
    const bare = createAppender({ log })
    log.mode = 'lost'
    for (let n = 1; n <= 2; n += 1)
      await expect(bare.append(record(n), 50)).rejects.toMatchObject({ details: { unknown: true } })
    expect(log.calls).toBe(2)
    await bare.close()
  })
})
