import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { createFakeDecisions, received } from '../../test/clickhouse-front/fixtures.ts'
import { useSink } from '../../test/clickhouse-front/sink-rig.ts'
import { ZenhookError } from '../errors/index.ts'
import type { Batch, Log, NewRecord } from '../log/port.ts'
import { createChdbDecisions } from './chdb/index.ts'
import { failed } from './failure.ts'

const rig = useSink()
const { start, waiting, drained, deadLetters } = rig
const pauseFor = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const idsOf = (fake: ReturnType<typeof createFakeDecisions>) =>
  fake.stored.flatMap(({ table, row }) => (table === 'events' ? [row.id] : []))

describe('a sink whose ClickHouse refuses for no fault of the rows', () => {
  it.each([60, 75, 81, 201, 497, 516, 1_001])(
    'waits, says so, and loses nothing: %i',
    async (code) => {
      let isWrong = true
      let tries = 0
      let made = 0
      const fake = createFakeDecisions(() => {
        tries += 1
        return isWrong ? failed(code, new Error('refused'), 'insert') : undefined
      })
      const ensureTables = async (): Promise<void> => {
        made += 1
        throw new Error('not now')
      }
      await start({ ...fake.decisions, ensureTables })
      await rig.log.append(['a', 'b', 'c'].map((id) => received(id, { key: 'k' })))
      await vi.waitFor(() => expect(tries).toBeGreaterThan(3))
      expect(rig.sink?.trouble()?.details.code).toBe(code)
      expect(await waiting()).toBe(3)
      expect(made > 0).toBe(code === 60 || code === 81)
      isWrong = false
      await drained()
      expect(idsOf(fake)).toEqual(['a', 'b', 'c'])
      expect(await deadLetters()).toEqual([])
      expect(rig.sink?.trouble()).toBeUndefined()
    },
  )

  it('makes a table again that was dropped while it ran, and all rows come', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'zenhook-sink-'))
    const decisions = await createChdbDecisions({ folder })
    try {
      await decisions.ensureTables()
      await start(decisions)
      await rig.log.append([received('before')])
      await drained()
      await decisions.select('DROP TABLE events')
      const ids = Array.from({ length: 50 }, (_, index) => `e${index}`)
      await rig.log.append(ids.map((id) => received(id)))
      await drained()
      const rows = await decisions.select<{ id: string }>('SELECT id FROM events FINAL')
      expect(rows.map(({ id }) => id).sort()).toEqual([...ids].sort())
      expect(await deadLetters()).toEqual([])
    } finally {
      await rig.sink?.close()
      await decisions.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a sink that gets large records', () => {
  const count = 40
  const large = () =>
    Array.from({ length: count }, (_, index) =>
      received(`e${index}`, { key: 'k' }, 'x'.repeat(200_000)),
    )

  it('holds a few of them while ClickHouse is away, and stores all later', async () => {
    let isAway = true
    const fake = createFakeDecisions(() =>
      isAway ? failed(undefined, new Error('away'), 'insert') : undefined,
    )
    let taken = 0
    const subscribe: Log['subscribe'] = (options, onBatch) =>
      rig.log.subscribe({ ...options, maxRecords: 1 }, (batch) => {
        taken += batch.records.length
        return onBatch(batch)
      })
    const batch = { ms: 30, bytes: 1_000_000 }
    await start(fake.decisions, { log: { ...rig.log, subscribe }, batch })
    await rig.log.append(large())
    await vi.waitFor(() => expect(rig.sink?.trouble()).toBeDefined())
    await pauseFor(300)
    // A load under way, the next one, and the record that filled it.
    expect(taken).toBeLessThanOrEqual(11)
    isAway = false
    await drained()
    expect(idsOf(fake)).toHaveLength(count)
  })

  it('stores them once they are many bytes, however few rows they are', async () => {
    const fake = createFakeDecisions(() => undefined)
    await start(fake.decisions, { batch: { ms: 60_000, bytes: 1_000_000 } })
    await rig.log.append(large())
    await vi.waitFor(() => expect(idsOf(fake).length).toBeGreaterThan(0))
  })
})

describe('a sink whose progress is not taken', () => {
  const away = new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
  const broken = (key: string, bytes = 7): NewRecord => ({
    topic: 'received',
    key,
    value: new Uint8Array(bytes),
  })

  /** The test's log; what `refusal` gives is what a settle rejects with. */
  const refusing = (
    refusal: (outputs: readonly NewRecord[]) => unknown,
    moved?: AbortSignal,
  ): Log => ({
    ...rig.log,
    subscribe: (options, onBatch) =>
      rig.log.subscribe(options, (batch) => {
        const settle: Batch['settle'] = async (through, outputs = []) => {
          const error = refusal(outputs)
          if (error !== undefined) throw error
          await batch.settle(through, outputs)
        }
        const signal = moved === undefined ? batch.signal : AbortSignal.any([moved, batch.signal])
        return onBatch({ ...batch, signal, settle })
      }),
  })

  it('tries again, without a later record that would bring it on', async () => {
    const fake = createFakeDecisions(() => undefined)
    let tries = 0
    await start(fake.decisions, { log: refusing(() => (++tries <= 3 ? away : undefined)) })
    await rig.log.append([broken('k'), received('a', { key: 'k' })])
    await drained()
    expect(tries).toBe(4)
    expect(await deadLetters()).toHaveLength(1)
    expect(idsOf(fake)).toEqual(['a'])
  })

  it('goes on with the other partitions', async () => {
    const fake = createFakeDecisions(() => undefined)
    let stuck: number | undefined
    const log: Log = {
      ...rig.log,
      subscribe: (options, onBatch) =>
        rig.log.subscribe(options, (batch) => {
          stuck ??= batch.partition
          const settle: Batch['settle'] = (through, outputs) =>
            batch.partition === stuck
              ? new Promise((_, reject) => batch.signal.addEventListener('abort', reject))
              : batch.settle(through, outputs)
          return onBatch({ ...batch, settle })
        }),
    }
    await start(fake.decisions, { log })
    const ids = Array.from({ length: 40 }, (_, index) => `e${index}`)
    for (const id of ids) {
      await rig.log.append([received(id)])
      if (id === 'e0') await vi.waitFor(() => expect(idsOf(fake)).toEqual(['e0']))
    }
    await vi.waitFor(() => expect(idsOf(fake).sort()).toEqual([...ids].sort()))
    const behind = async (): Promise<number[]> =>
      (await rig.log.lag('sink')).flatMap(({ topic, partition, records }) =>
        topic === 'received' && records > 0 ? [partition] : [],
      )
    await vi.waitFor(async () => expect(await behind()).toEqual([stuck]))
  })

  it('passes no dead letter that is not in the log', async () => {
    let refusals = 0
    const log = refusing((outputs) => {
      if (outputs.length === 0 || refusals >= 10) return undefined
      refusals += 1
      return away
    })
    await start(createFakeDecisions(() => undefined).decisions, { log })
    await rig.log.append([broken('k')])
    await vi.waitFor(() => expect(refusals).toBeGreaterThan(1))
    await rig.log.append([received('a', { key: 'k' })])
    await pauseFor(100)
    expect(refusals).toBeLessThan(10)
    expect(await waiting()).toBe(2)
    await drained()
    expect(await deadLetters()).toHaveLength(1)
  })

  it('leaves the record out of a dead letter that is too large with it', async () => {
    const log = refusing((outputs) =>
      outputs.some(({ value }) => (value?.length ?? 0) > 5_000)
        ? new ZenhookError('ZENHOOK_LOG_RECORD_TOO_LARGE')
        : undefined,
    )
    const metrics = await start(createFakeDecisions(() => undefined).decisions, { log })
    await rig.log.append([broken('k', 6_000)])
    await drained()
    const [letter, ...others] = await deadLetters()
    expect(others).toEqual([])
    expect(letter?.original).toHaveLength(0)
    expect(letter).toMatchObject({ stage: 'sink', origin: { topic: 'received', offset: 0 } })
    expect((await metrics.dead.get()).values.map(({ value }) => value)).toEqual([1])
  })

  it('gives up with its partition, for its next owner', async () => {
    const moved = new AbortController()
    let tries = 0
    const log = refusing((outputs) => {
      if (outputs.length === 0) return undefined
      tries += 1
      return away
    }, moved.signal)
    const backoff = { firstMs: 60_000, longestMs: 60_000 }
    await start(createFakeDecisions(() => undefined).decisions, { log, backoff })
    await rig.log.append([broken('k')])
    await vi.waitFor(() => expect(tries).toBe(1))
    moved.abort()
    const started = performance.now()
    await rig.sink?.close()
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(tries).toBe(1)
    expect(await waiting()).toBe(1)
  })

  it('settles nothing behind what it gave up when it was closed', async () => {
    const fake = createFakeDecisions(() => undefined)
    let isAway = true
    let tries = 0
    const log = refusing((outputs) => {
      if (outputs.length === 0 || !isAway) return undefined
      tries += 1
      return away
    })
    const backoff = { firstMs: 60_000, longestMs: 60_000 }
    await start(fake.decisions, { log, backoff })
    await rig.log.append([broken('k')])
    await vi.waitFor(() => expect(tries).toBe(1))
    await rig.log.append([received('a', { key: 'k' })])
    await pauseFor(100)
    await rig.sink?.close()
    expect(await waiting()).toBe(2)
    isAway = false
    await start(fake.decisions)
    await drained()
    expect(await deadLetters()).toHaveLength(1)
  })
})
