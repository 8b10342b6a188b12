import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ZenhookError } from '../../core/errors/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { type DrainOptions, startDrain } from './drain.ts'
import { openSpool, type Spool } from './spool.ts'

let dir: string
let spool: Spool
let drain: { close(): Promise<void> } | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zenhook-drain-'))
  spool = await openSpool({ dir, segmentBytes: 20_000 })
})
afterEach(async () => {
  await drain?.close()
  drain = undefined
  await spool.close()
  await rm(dir, { recursive: true, force: true })
})

const fill = (count: number, keys: number): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, n) =>
      spool.write({ topic: 'received', key: `k${n % keys}`, value: Buffer.from(String(n)) }),
    ),
  )
const numberOf = ({ value }: NewRecord): number => Number(Buffer.from(value ?? []).toString())

/** A log that answers when it is told to, and shows what is asked of it. */
const slowLog = () => {
  const log = {
    taken: [] as { key: string | null; n: number; at: number }[],
    inFlight: 0,
    most: 0,
    asked: 0,
    away: false,
    stuck: undefined as string | undefined,
    async append(records: readonly NewRecord[]) {
      log.asked += 1
      log.inFlight += 1
      log.most = Math.max(log.most, log.inFlight)
      await new Promise((resolve) => setTimeout(resolve, 2))
      log.inFlight -= 1
      if (log.away || records.some(({ key }) => key === log.stuck))
        throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
      for (const record of records)
        log.taken.push({ key: record.key, n: numberOf(record), at: performance.now() })
    },
  }
  return log
}
const start = (append: DrainOptions['append'], over: Partial<DrainOptions> = {}): void => {
  drain = startDrain({ spool, append, onRejected: async () => {}, ...over })
}
const emptied = () => expect.poll(() => spool.stats().records, { timeout: 15_000 }).toBe(0)

const inOrder = (taken: readonly { key: string | null; n: number }[]): boolean =>
  taken.every(({ key, n }, index) =>
    taken.slice(0, index).every((before) => before.key !== key || before.n < n),
  )

describe('a drain without a stampede', () => {
  it('has a bounded number of appends under way, and takes each record once, in order per key', async () => {
    await fill(1_000, 200)
    const log = slowLog()
    start(log.append)
    await emptied()
    expect(log.most).toBeGreaterThan(1)
    expect(log.most).toBeLessThanOrEqual(32)
    expect(new Set(log.taken.map(({ n }) => n)).size).toBe(1_000)
    expect(log.taken).toHaveLength(1_000)
    expect(inOrder(log.taken)).toBe(true)
  })

  it('keeps its rate, however fast the log is', async () => {
    await fill(1_500, 300)
    const log = slowLog()
    start(log.append, { maxPerSecond: 1_000 })
    await emptied()
    const [first, last] = [log.taken[0]?.at ?? 0, log.taken.at(-1)?.at ?? 0]
    // The last batch is not waited for; a first one that was seen late makes the time look shorter.
    expect(last - first).toBeGreaterThan(0.8 * ((1_500 - 512) / 1_000) * 1_000)
    // Whatever stretch is looked at, one batch above the rate is the most.
    for (let from = 0; from + 700 < log.taken.length; from += 100) {
      const tookMs = (log.taken[from + 699]?.at ?? 0) - (log.taken[from]?.at ?? 0)
      expect(tookMs).toBeGreaterThan(150)
    }
  })

  it('tries one group at a time, and less and less often, while the log is away', async () => {
    await fill(500, 100)
    const log = slowLog()
    log.away = true
    const startedAt = performance.now()
    start(log.append, { random: () => 1 })
    // All at first, 64 records each, then one after pauses of 250 ms, 500 ms, 1 s.
    await expect.poll(() => log.asked, { timeout: 15_000, interval: 10 }).toBe(8 + 3)
    expect(performance.now() - startedAt).toBeGreaterThan(1_700)
    expect(log.inFlight).toBeLessThanOrEqual(1)
    expect(log.taken).toEqual([])
    log.away = false
    await emptied()
    expect(log.taken).toHaveLength(500)
  })

  it('one key that is stuck keeps its order, and the others of its batch go on', async () => {
    await fill(60, 6)
    const log = slowLog()
    log.stuck = 'k3'
    start(log.append)
    await expect.poll(() => log.taken.length, { timeout: 15_000 }).toBe(50)
    expect(spool.holds('k3')).toBe(true)
    log.stuck = undefined
    await emptied()
    expect(inOrder(log.taken)).toBe(true)
    expect(log.taken).toHaveLength(60)
  })

  it('a record that no log takes and nobody keeps yet holds up none of the others', async () => {
    await fill(60, 60)
    const log = slowLog()
    const kept: number[] = []
    let asked = 0
    start(
      async (records) => {
        if (records.some((record) => numberOf(record) === 7))
          throw new ZenhookError('ZENHOOK_LOG_RECORD_TOO_LARGE')
        await log.append(records)
      },
      {
        onRejected: async (record) => {
          asked += 1
          if (asked < 3) throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE')
          kept.push(numberOf(record))
        },
      },
    )
    await emptied()
    expect(kept).toEqual([7])
    const taken = log.taken.map(({ n }) => n).sort((a, b) => a - b)
    expect(taken).toEqual(Array.from({ length: 60 }, (_, n) => n).filter((n) => n !== 7))
  }, 20_000)

  it('what comes meanwhile is taken along behind what waits', async () => {
    await fill(200, 10)
    const log = slowLog()
    start(log.append, { maxPerSecond: 2_000 })
    for (let n = 200; n < 300; n += 1)
      await spool.write({ topic: 'received', key: `k${n % 10}`, value: Buffer.from(String(n)) })
    await emptied()
    expect(log.taken).toHaveLength(300)
    expect(inOrder(log.taken)).toBe(true)
  })
})
