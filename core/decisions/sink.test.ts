import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  codec,
  createFakeDecisions,
  decided,
  deliver,
  made,
  received,
  receivedAt,
} from '../../test/clickhouse-front/fixtures.ts'
import { useSink } from '../../test/clickhouse-front/sink-rig.ts'
import { ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Decision } from '../event/index.ts'
import type { Log } from '../log/port.ts'
import { createChdbDecisions } from './chdb/index.ts'
import type { Decisions } from './port.ts'
import { story } from './story.ts'

const rig = useSink()
const { start, waiting, drained, deadLetters } = rig

const eventsOf = (fake: ReturnType<typeof createFakeDecisions>) =>
  fake.stored.filter(({ table }) => table === 'events')

describe('sink', () => {
  it('is few, large inserts under load, and settles all of it', async () => {
    const fake = createFakeDecisions(() => undefined)
    const metrics = await start(fake.decisions)
    const records = Array.from({ length: 4_000 }, (_, index) => [
      received(`e${index}`),
      decided(`e${index}`, [made('dedupe'), made('route')]),
    ]).flat()
    for (let at = 0; at < records.length; at += 500)
      await rig.log.append(records.slice(at, at + 500))
    await drained()
    expect(fake.stored).toHaveLength(16_000)
    expect(fake.inserts.length).toBeLessThan(30)
    expect(Math.max(...fake.inserts.map(({ rows }) => rows))).toBeLessThanOrEqual(10_000)
    expect((await metrics.sinkRows.get()).values).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ labels: { table: 'events' }, value: 4_000 }),
        expect.objectContaining({ labels: { table: 'decisions' }, value: 12_000 }),
      ]),
    )
  })

  it('settles once per partition and load, however many batches came meanwhile', async () => {
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const fake = createFakeDecisions(() => undefined)
    const insert: Decisions['insert'] = async (table, rows) => {
      await gate
      await fake.decisions.insert(table, rows)
    }
    let batches = 0
    let settles = 0
    const subscribe: Log['subscribe'] = (options, onBatch) =>
      rig.log.subscribe(options, (batch) => {
        batches += 1
        const settle: typeof batch.settle = (through, outputs) => {
          settles += 1
          return batch.settle(through, outputs)
        }
        return onBatch({ ...batch, settle })
      })
    await start({ ...fake.decisions, insert }, { log: { ...rig.log, subscribe } })
    const broken = { topic: 'received', value: new Uint8Array([0, 0, 0, 0, 1, 9, 9]) }
    for (let index = 0; index < 120; index += 1) {
      const one = index % 60 === 30 ? { ...broken, key: `e${index}` } : received(`e${index}`)
      await rig.log.append([one])
      await vi.waitFor(() => expect(batches).toBe(index + 1), { interval: 1 })
    }
    expect(settles).toBe(0)
    open()
    await drained()
    expect(eventsOf(fake)).toHaveLength(118)
    expect(await deadLetters()).toHaveLength(2)
    // The load that was held up, and the one that gathered behind it.
    expect(settles).toBeLessThanOrEqual(2 * (await rig.log.ends('received')).length)
  })

  it('waits while ClickHouse is away, in bounded memory, and stores everything later', async () => {
    let away = true
    const seen: number[] = []
    const fake = createFakeDecisions((_, rows) => {
      seen.push(rows.length)
      return away
        ? new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', { retriable: true })
        : undefined
    })
    const metrics = await start(fake.decisions, { batch: { rows: 200, ms: 20 } })
    const records = Array.from({ length: 3_000 }, (_, index) => received(`e${index}`))
    await rig.log.append(records)
    await vi.waitFor(() => expect(rig.sink?.trouble()?.code).toBe('ZENHOOK_DECISIONS_UNAVAILABLE'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await waiting()).toBe(3_000)
    expect(fake.stored).toHaveLength(0)
    expect(Math.max(...seen)).toBeLessThanOrEqual(200)
    expect((await metrics.sinkErrors.get()).values[0]?.value).toBeGreaterThan(2)
    away = false
    await drained()
    const events = eventsOf(fake)
    expect(new Set(events.map(({ row }) => row.id)).size).toBe(3_000)
    expect(events).toHaveLength(3_000)
    expect(rig.sink?.trouble()).toBeUndefined()
  })

  it('skips a record that cannot be decoded, with its cause as a dead letter; neighbours flow', async () => {
    const fake = createFakeDecisions(() => undefined)
    await start(fake.decisions)
    const broken = new Uint8Array([0, 0, 0, 0, 1, 9, 9])
    await rig.log.append([
      received('a', { key: 'k' }),
      { topic: 'received', key: 'k', value: broken, headers: { id: 'b', tenant: 'acme' } },
      received('c', { key: 'k' }),
    ])
    await drained()
    expect(eventsOf(fake).map(({ row }) => row.id)).toEqual(['a', 'c'])
    const letters = await deadLetters()
    expect(letters).toHaveLength(1)
    expect(letters[0]).toMatchObject({
      stage: 'sink',
      code: 'ZENHOOK_SCHEMAS_BAD_FRAME',
      tenant: 'acme',
      eventId: 'b',
      original: broken,
      origin: { topic: 'received' },
    })
    expect(letters[0]?.origin.offset).toBe(1)
  })

  it('narrows a refused insert down to its row, and the rest is stored', async () => {
    const fake = createFakeDecisions((_, rows) =>
      rows.some((row) => row.id === 'bad')
        ? new ZenhookError('ZENHOOK_DECISIONS_QUERY_FAILED')
        : undefined,
    )
    await start(fake.decisions)
    const ids = Array.from({ length: 50 }, (_, index) => `e${index}`)
    await rig.log.append([...ids.slice(0, 20), 'bad', ...ids.slice(20)].map((id) => received(id)))
    await drained()
    expect(
      eventsOf(fake)
        .map(({ row }) => row.id)
        .sort(),
    ).toEqual([...ids].sort())
    const letters = await deadLetters()
    expect(letters.map(({ code, eventId }) => ({ code, eventId }))).toEqual([
      { code: 'ZENHOOK_DECISIONS_QUERY_FAILED', eventId: 'bad' },
    ])
  })

  it('keeps details as text whose names may mean two places to the JSON type', async () => {
    const fake = createFakeDecisions(() => undefined)
    await start(fake.decisions)
    const odd = { a: { b: 1 }, 'a.b': 2 }
    await rig.log.append([
      decided('a', [
        made('dedupe', { details: { text: 'a.b', more: 1 } }),
        made('score', { details: odd }),
        made('route'),
      ]),
    ])
    await drained()
    expect(fake.stored.map(({ row }) => JSON.parse(String(row.details_text)))).toEqual([
      { text: 'a.b', more: 1 },
      { _text: JSON.stringify(odd) },
      {},
    ])
  })

  it('waits for the schema registry rather than skipping what it cannot read yet', async () => {
    const fake = createFakeDecisions(() => undefined)
    let away = true
    const flaky: Codec = {
      encode: codec.encode,
      decode: async (kind, bytes) => {
        if (away) throw new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', { retriable: true })
        return codec.decode(kind, bytes)
      },
    }
    await start(fake.decisions, { codec: flaky })
    await rig.log.append([received('a')])
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(fake.stored).toHaveLength(0)
    away = false
    await drained()
    expect(eventsOf(fake)).toHaveLength(1)
    expect(await deadLetters()).toEqual([])
  })

  it('closes promptly while ClickHouse is away, and the rows come back', async () => {
    let away = true
    const fake = createFakeDecisions(() =>
      away ? new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', { retriable: true }) : undefined,
    )
    await start(fake.decisions, { backoff: { firstMs: 60_000, longestMs: 60_000 } })
    await rig.log.append(Array.from({ length: 100 }, (_, index) => received(`e${index}`)))
    await vi.waitFor(() => expect(rig.sink?.trouble()).toBeDefined())
    const started = performance.now()
    await rig.sink?.close()
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(await waiting()).toBe(100)
    away = false
    await start(fake.decisions)
    await drained()
    expect(eventsOf(fake)).toHaveLength(100)
  })

  it('stores what it holds when it is closed', async () => {
    const fake = createFakeDecisions(() => undefined)
    await start(fake.decisions, { batch: { ms: 60_000 } })
    await rig.log.append([received('a'), decided('a', [made('dedupe')])])
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(fake.stored).toHaveLength(0)
    await rig.sink?.close()
    expect(fake.stored).toHaveLength(3)
    expect(await waiting()).toBe(0)
  })
})

describe('sink into chdb', () => {
  let folder = ''
  let decisions: Decisions
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zenhook-sink-'))
    decisions = await createChdbDecisions({ folder })
    await decisions.ensureTables()
  })
  afterAll(async () => {
    await decisions.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('tells the whole story of an event shortly after, replays as runs of their own', async () => {
    await start(decisions)
    await rig.log.append([
      received('s1'),
      decided('s1', [
        made('dedupe', { reason: 'first' }),
        made('score', { score: 0.8, model: 'trees-1' }),
        made('route', {
          verdict: 'dispatch',
          dispatchId: 'dsp',
          destination: 'oncall',
          route: 'r',
        }),
      ]),
      decided('s1', [
        deliver(1, {
          verdict: 'dead',
          reason: 'http_400',
          details: { connector: 'slack', httpStatus: 400, error: 'bad channel' },
        }),
      ]),
    ])
    const begun = performance.now()
    await vi.waitFor(async () => expect((await story(decisions, 's1'))?.status).toBe('dead'), {
      timeout: 5_000,
      interval: 10,
    })
    expect(performance.now() - begun).toBeLessThan(1_500)
    await rig.log.append([
      decided(
        's1',
        [
          made('route', {
            verdict: 'dispatch',
            dispatchId: 'dsp',
            destination: 'oncall',
            route: 'r',
            at: receivedAt + 50,
          }),
          deliver(1, {
            verdict: 'delivered',
            at: receivedAt + 60,
            details: {
              connector: 'slack',
              httpStatus: 200,
              externalId: 'ts-1',
              possibleDuplicate: true,
            },
          }),
        ],
        'replay-1',
      ),
    ])
    await drained()
    const told = await story(decisions, 's1')
    expect(told?.status).toBe('delivered')
    expect(told?.decisions.map(({ stage, run }) => `${run} ${stage}`)).toEqual([
      'live ingress',
      'live dedupe',
      'live score',
      'live route',
      'live deliver',
      'replay-1 route',
      'replay-1 deliver',
    ])
    expect(told?.dispatches).toMatchObject([
      { run: 'live', status: 'dead', attempts: [{ status: 400, error: 'bad channel' }] },
      {
        run: 'replay-1',
        status: 'delivered',
        attempts: [{ status: 200, externalId: 'ts-1', possibleDuplicate: true }],
      },
    ])
    const { offset } = told?.position ?? {}
    expect(offset).toBe(0)
  })

  it('does not let the drop of a second log copy hide what became of the first', async () => {
    await start(decisions)
    const drop = made('dedupe', { verdict: 'drop', reason: 'duplicate' })
    for (const [id, order] of [
      ['c1', [made('dedupe'), drop]],
      ['c2', [drop, made('dedupe')]],
    ] as const)
      for (const one of order) await rig.log.append([received(id), decided(id, [one])])
    await drained()
    for (const id of ['c1', 'c2']) {
      const told = await story(decisions, id)
      expect(told?.status).toBe('accepted')
      expect(told?.decisions.map(({ stage }) => stage)).toEqual(['ingress', 'dedupe'])
    }
  })

  it('takes details of any shape', async () => {
    await start(decisions)
    const deep = JSON.parse(`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`) as Decision['details']
    const shapes: Decision['details'][] = [
      { a: 1, 'a.b': 2, 'a.b.c': { d: [1, { e: null }] }, '': { '': 1 } },
      { mixed: [1, 'two', { three: [] }, null], big: 1e300, small: -0.5, whole: 2 ** 53 },
      Object.fromEntries(
        Array.from({ length: 300 }, (_, index) => [`key ${index} \u2713 '"\\`, index]),
      ),
      deep,
    ]
    await rig.log.append([
      received('o1'),
      decided('o1', [
        ...shapes.map((details, index) => made(`odd-${index}`, { details })),
        made('score', { details: { fine: true } }),
      ]),
    ])
    await drained()
    const told = await story(decisions, 'o1')
    expect(told?.decisions).toHaveLength(6)
    const details = Object.fromEntries(
      (told?.decisions ?? []).map((one) => [one.stage, one.details]),
    )
    expect(details.score).toEqual({ fine: true })
    expect(details['odd-2']).toEqual(shapes[2])
    expect(await deadLetters()).toEqual([])
  })
})
