import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ZenhookError } from '../../core/errors/index.ts'
import { createEmbeddedLog } from '../../core/log/embedded/index.ts'
import type { Log } from '../../core/log/port.ts'
import { topics } from '../../core/log/topics.ts'
import { openStorage } from '../../core/storage/index.ts'
import { openSpool, type SpoolStats } from '../../ingress/index.ts'
import { genuineHeaders, makeSource } from '../../ingress/testing/fakes.ts'
import { startIngress } from '../../ingress/testing/harness.ts'

/** 600 is the length that is promised: 180,000 events. */
const outageSeconds = Number(process.env.ZENHOOK_OUTAGE_SECONDS ?? 20)
const perSecond = 300
const keys = 100
const bodyBytes = 1_024
const baselineSeconds = 5

/** A log that can be away as Kafka is: an append hangs for a while, then fails. */
const gateOf = (inner: Pick<Log, 'append'>) => {
  const gate = {
    away: false,
    async append(records: Parameters<Log['append']>[0]) {
      if (!gate.away) return inner.append(records)
      await sleep(2_000)
      throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
    },
  }
  return gate
}

type Phase = 'before' | 'away' | 'drain'
interface Line {
  phase: Phase
  id: string | undefined
  key: string
  n: number
  status: number
  tookMs: number
}

const bodyOf = (key: string, n: number): string => {
  const start = JSON.stringify({ repository: key, n, pad: '' }).slice(0, -2)
  return `${start}${'x'.repeat(bodyBytes - start.length - 2)}"}`
}

/** Each key sends in order, the next once the last is answered, all keys together `perSecond`. */
const startSending = (url: string, phase: () => Phase) => {
  const lines: Line[] = []
  let ended = false
  const startedAt = performance.now()
  const lane = async (index: number): Promise<void> => {
    const key = `k${index}`
    for (let n = 0; !ended; n += 1) {
      const dueMs = ((n + index / keys) * keys * 1_000) / perSecond
      await sleep(Math.max(0, startedAt + dueMs - performance.now()))
      if (ended) return
      const body = bodyOf(key, n)
      const now = phase()
      const sentAt = performance.now()
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: genuineHeaders(body, `${key}-${n}`),
      })
      const { id } = (await response.json()) as { id?: string }
      const tookMs = performance.now() - sentAt
      lines.push({ phase: now, id, key, n, status: response.status, tookMs })
    }
  }
  const running = Promise.all(Array.from({ length: keys }, (_, index) => lane(index)))
  return {
    lines,
    async stop() {
      ended = true
      await running
    },
  }
}

const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10
}

it(`the log is away for ${outageSeconds} s at ${perSecond}/s: nothing is refused, nothing lost, each key in order`, {
  timeout: (outageSeconds * 3 + 120) * 1_000,
}, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'zenhook-outage-'))
  const storage = openStorage(join(dir, 'log'))
  const log = createEmbeddedLog({ storage })
  await log.ensureTopics(topics())
  const spool = await openSpool({ dir: join(dir, 'spool') })
  const gate = gateOf(log)
  const ingress = await startIngress([makeSource({ ordering: 'repository' })], {
    log: gate,
    spool,
  })
  try {
    let phase: Phase = 'before'
    const load = startSending(`${ingress.url}/in/acme/github`, () => phase)
    await sleep(baselineSeconds * 1_000)

    gate.away = true
    phase = 'away'
    let peak: SpoolStats = spool.stats()
    const until = performance.now() + outageSeconds * 1_000
    while (performance.now() < until) {
      await sleep(250)
      peak = spool.stats()
    }
    gate.away = false
    phase = 'drain'
    const backAt = performance.now()
    const drainLimitMs = Math.max(60_000, outageSeconds * 2_000)
    while (spool.stats().records > 0 && performance.now() - backAt < drainLimitMs) await sleep(50)
    const drainMs = performance.now() - backAt
    await load.stop()
    const rss = process.memoryUsage().rss

    const positions = new Map<string, number>()
    const order = new Map<string, number[]>()
    let copies = 0
    for (const { partition, first } of await log.ends('received'))
      for await (const { headers, value } of log.read({
        topic: 'received',
        partition,
        offset: first,
      })) {
        const id = headers.id ?? ''
        if (positions.has(id)) {
          copies += 1
          continue
        }
        positions.set(id, positions.size)
        const event = await ingress.codec.decode('event', value ?? new Uint8Array())
        const { repository, n } = event.data as { repository: string; n: number }
        const sofar = order.get(repository)
        if (sofar === undefined) order.set(repository, [n])
        else sofar.push(n)
      }

    const { lines } = load
    const times = (wanted: Phase): number[] =>
      lines.filter((line) => line.phase === wanted).map(({ tookMs }) => tookMs)
    const figures = {
      ...{ outageSeconds, sent: lines.length, spooled: spool.stats().written, copies },
      ...{ waiting: peak.records, spoolBytes: peak.bytes, drainMs: Math.round(drainMs), rss },
      p50: quantile(times('away'), 0.5),
      p95: (['before', 'away', 'drain'] as const).map((one) => quantile(times(one), 0.95)),
      worstMs: Math.round(lines.reduce((worst, { tookMs }) => Math.max(worst, tookMs), 0)),
    }
    console.log(JSON.stringify(figures))

    expect(lines.filter(({ status }) => status !== 202)).toEqual([])
    expect(lines.filter(({ id }) => id === undefined || !positions.has(id))).toEqual([])
    expect(order.size).toBe(keys)
    const unordered = [...order].filter(([, numbers]) =>
      numbers.some((n, index) => n <= (numbers[index - 1] ?? -1)),
    )
    expect(unordered).toEqual([])
    expect(spool.stats()).toMatchObject({ records: 0, lost: { records: 0, bytes: 0 } })
    // It went through the spool at all, and at the rate that is said.
    expect(peak.records).toBeGreaterThan(perSecond * (outageSeconds - 3) * 0.9)
    expect(drainMs).toBeLessThan(drainLimitMs)
  } finally {
    await ingress.close()
    await log.close()
    await storage.close()
    await rm(dir, { recursive: true, force: true })
  }
})
