import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ZenhookError } from '../errors/index.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { type Codec, createCodec, type RecordKind, type RecordKinds } from '../event/codec/index.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import type { Log, NewRecord, StoredRecord, TopicSpec } from '../log/port.ts'
import { topics } from '../log/topics.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { type Chain, type ChainOptions, startChain } from './runner.ts'
import { apart, away, eventOf, failing, finish, hash, pass, stage } from './testing.ts'
import type { Stage } from './types.ts'

describe.each([
  ['settles at once', (log: Log): Log => log],
  ['appends first and settles later', apart],
])('the runner over a log that %s', (_, over) => {
  let codec: Codec
  let log: Log
  let chain: Chain | undefined
  const specs: TopicSpec[] = topics().map((topic) => ({ ...topic, partitions: 1 }))

  beforeEach(async () => {
    codec = await createCodec({ schemas: await createFileSchemas() })
    log = over(createMemoryLog())
    await log.ensureTopics(specs)
  })
  afterEach(async () => {
    await chain?.close()
    chain = undefined
    await log.close()
  })

  const start = async (
    replaced: readonly Stage[] = [],
    options: Partial<ChainOptions> = {},
  ): Promise<Chain> => {
    const stages = [stage('dedupe'), stage('enrich'), stage('score'), stage('route', finish)].map(
      (each) => replaced.find(({ name }) => name === each.name) ?? each,
    )
    chain = await startChain({
      log,
      codec,
      stages,
      chain: 'fused',
      context: { now: Date.now, hash },
      ...options,
    })
    await chain.ready()
    return chain
  }
  const recordOf = (event: ReturnType<typeof eventOf>): NewRecord => ({
    topic: 'received',
    key: event.key,
    value: codec.encode('event', event),
    headers: { id: event.id },
  })
  const send = (...ids: string[]) => log.append(ids.map((id) => recordOf(eventOf(id))))
  const stored = async (topic: string): Promise<readonly StoredRecord[]> => {
    const records: StoredRecord[] = []
    for (const end of await log.ends(topic))
      for await (const record of log.read({ ...end, offset: end.first })) records.push(record)
    return records
  }
  const valuesOf = async <K extends RecordKind>(
    kind: K,
    topic: string,
  ): Promise<readonly RecordKinds[K][]> =>
    Promise.all(
      (await stored(topic)).map(({ value }) => codec.decode(kind, value ?? new Uint8Array())),
    )
  const dispatched = async (): Promise<readonly string[]> =>
    (await valuesOf('dispatch', 'dispatch')).map(({ event }) => event.id)
  const settled = async (group = 'chain'): Promise<void> =>
    expect
      .poll(async () => (await log.lag(group)).reduce((sum, { records }) => sum + records, 0), {
        timeout: 5_000,
      })
      .toBe(0)

  it('settles outputs and decisions of a batch, in order', async () => {
    await send('a', 'b', 'c')
    await start()
    await settled()
    expect(await dispatched()).toEqual(['a', 'b', 'c'])
    const sets = await valuesOf('decisions', 'decisions')
    expect(sets.map(({ eventId }) => eventId)).toEqual(['a', 'b', 'c'])
    expect(sets[0]?.decisions.map(({ stage }) => stage)).toEqual([
      'dedupe',
      'enrich',
      'score',
      'route',
    ])
    expect(sets[0]).toMatchObject({ tenant: 'acme', source: 'hook', type: 'note', run: 'live' })
    expect((await valuesOf('dispatch', 'dispatch'))[1]?.event.origin).toEqual({
      topic: 'received',
      partition: 0,
      offset: 1,
    })
  })

  it('buries what cannot be decoded alone, with its bytes, place and headers', async () => {
    const poison = new Uint8Array([0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255])
    const stranger = new Uint8Array([0, 127, 0, 0, 9, 1, 2, 3])
    const id = '01959000-0000-7000-8000-000000000001'
    const headers = { id, tenant: 'acme', source: 'hook', type: 'note' }
    await log.append([
      recordOf(eventOf('a')),
      { topic: 'received', key: 'k', value: poison, headers },
      { topic: 'received', key: 'k', value: stranger },
      recordOf(eventOf('b')),
    ])
    await start()
    await settled()
    expect(await dispatched()).toEqual(['a', 'b'])
    expect(await valuesOf('dead', 'dead')).toMatchObject([
      {
        ...{ code: 'ZENHOOK_SCHEMAS_BAD_FRAME', eventId: '', stage: 'dedupe' },
        origin: { topic: 'received', partition: 0, offset: 1 },
        ...{ originHeaders: headers, original: poison },
      },
      { code: 'ZENHOOK_SCHEMAS_UNKNOWN_ID', original: stranger },
    ])
    const sets = await valuesOf('decisions', 'decisions')
    const end = { stage: 'dedupe', verdict: 'dead' }
    const told = { tenant: 'acme', receivedAt: 0x01959000_0000, decisions: [end] }
    expect(sets.filter(({ eventId }) => !'ab'.includes(eventId))).toMatchObject([told])
  })

  it('retries the batch while a stage cannot decide, says so, and recovers', async () => {
    let failures = 3
    const metrics = createMetrics()
    const dedupe = stage('dedupe', (item) => {
      if (failures === 0) return pass(item)
      failures -= 1
      throw away()
    })
    await send('a')
    const running = await start([dedupe], { metrics })
    await expect.poll(() => running.health().ok).toBe(false)
    expect(running.health().detail).toContain('received/0')
    await settled()
    expect(running.health()).toEqual({ ok: true, detail: '' })
    expect(await dispatched()).toEqual(['a'])
    expect(await stored('dead')).toEqual([])
    const errors = await metrics.stageErrors.get()
    expect(errors.values).toMatchObject([
      { labels: { stage: 'dedupe', code: 'ZENHOOK_KV_UNAVAILABLE' }, value: 3 },
    ])
    const { values } = await metrics.stageEvents.get()
    expect(values.map(({ value }) => value)).toEqual([1, 1, 1, 1])
  })

  it('narrows a failure down to the record that causes it, and buries that alone', async () => {
    const enrich: Stage = {
      name: 'enrich',
      process: async (items) => {
        if (items.some(({ event }) => event.id === 'b')) throw new TypeError('no such field')
        return items.map(pass)
      },
    }
    await send('a', 'b', 'c')
    await start([enrich])
    await settled()
    expect(await dispatched()).toEqual(['a', 'c'])
    const [dead] = await valuesOf('dead', 'dead')
    expect(dead).toMatchObject({ eventId: 'b', tenant: 'acme', stage: 'enrich' })
    expect(dead?.code).toBe('ZENHOOK_STAGE_FAILED')
    expect(dead?.message).toContain('no such field')
    expect(codec.decode('event', dead?.original ?? new Uint8Array())).toMatchObject({ id: 'b' })
    const sets = await valuesOf('decisions', 'decisions')
    expect(sets[1]?.decisions.map(({ stage, verdict }) => [stage, verdict])).toEqual([
      ['dedupe', 'pass'],
      ['enrich', 'dead'],
    ])
  })

  it.each<[string, Stage]>([
    ['gives too few outcomes', { name: 'score', process: async () => [] }],
    [
      'says what cannot be written down',
      stage('score', ({ event }) => ({
        kind: 'emit',
        event,
        decisions: [{ verdict: 'pass', reason: 'ok', details: { n: 1n } }],
      })),
    ],
    [
      'says dead',
      stage('score', () => ({
        kind: 'dead',
        error: new ZenhookError('ZENHOOK_STAGE_FAILED'),
        decisions: [{ verdict: 'dead', reason: 'no', details: {} }],
      })),
    ],
    ['hands on what only a dispatch may be', stage('route')],
  ])('buries the event when a stage %s', async (_, broken) => {
    await send('a')
    await start([broken])
    await settled()
    expect(await dispatched()).toEqual([])
    expect(await valuesOf('dead', 'dead')).toMatchObject([{ eventId: 'a', stage: broken.name }])
    const [set] = await valuesOf('decisions', 'decisions')
    expect(set?.decisions.at(-1)).toMatchObject({ stage: broken.name, verdict: 'dead' })
  })

  it('settles what stands before a record that must wait, and nothing behind it', async () => {
    let waits = true
    const score = stage('score', (item) =>
      waits && item.event.id === 'b'
        ? { kind: 'retry', afterMs: 40, error: away(), decisions: [] }
        : pass(item),
    )
    await send('a', 'b', 'c')
    const running = await start([score])
    await expect.poll(dispatched).toEqual(['a'])
    expect(running.health().detail).toContain('waits for offset 1')
    waits = false
    await settled()
    expect(await dispatched()).toEqual(['a', 'b', 'c'])
    expect(running.health().ok).toBe(true)
  })

  it('counts further log copies but publishes nothing in the place of the first', async () => {
    const metrics = createMetrics()
    const seen = new Set<string>()
    const dedupe = stage('dedupe', (item) => {
      if (!seen.has(item.event.id)) {
        seen.add(item.event.id)
        return pass(item)
      }
      return {
        kind: 'drop',
        reason: 'log_copy',
        copy: true,
        decisions: [{ verdict: 'drop', reason: 'log_copy', details: {} }],
      }
    })
    await send('a', 'a')
    await start([dedupe], { metrics })
    await settled()
    expect(await valuesOf('decisions', 'decisions')).toHaveLength(1)
    const { values } = await metrics.stageEvents.get()
    expect(values.map(({ labels }) => labels.reason)).toContain('log_copy')
  })

  it('ends what is larger than its topic accepts', async () => {
    log = over(createMemoryLog())
    await log.ensureTopics(
      specs.map((topic) =>
        topic.name === 'dispatch' ? { ...topic, maxMessageBytes: 5_000 } : topic,
      ),
    )
    await log.append(
      ['a', 'large', 'b'].map((id) => recordOf(eventOf(id, id === 'large' ? 9_000 : 2))),
    )
    await start()
    await settled()
    // A second copy of what was taken before the refusal meets the first where it is delivered.
    expect([...new Set(await dispatched())]).toEqual(['a', 'b'])
    expect(await valuesOf('dead', 'dead')).toMatchObject([
      {
        ...{ code: 'ZENHOOK_LOG_RECORD_TOO_LARGE', eventId: 'large', tenant: 'acme' },
        origin: { topic: 'received', offset: 1 },
        original: new Uint8Array(),
      },
    ])
    const sets = await valuesOf('decisions', 'decisions')
    const verdictsOf = (id: string) =>
      sets
        .filter(({ eventId }) => eventId === id)
        .flatMap(({ decisions }) => decisions.map(({ verdict }) => verdict))
    // Nothing says that it was sent on: it has one end, and that is its death.
    expect(verdictsOf('large')).toEqual(['dead'])
    for (const id of ['a', 'b']) expect(verdictsOf(id)).toContain('dispatch')
  })

  it('waits for a schema while the registry is away, then buries and goes on', async () => {
    let now = 1_000
    let asked = 0
    const waiting: Codec = {
      ...codec,
      decode: <K extends RecordKind>(kind: K, bytes: Uint8Array) => {
        if (bytes[4] !== 99) return codec.decode(kind, bytes)
        asked += 1
        now += 40_000
        return Promise.reject(
          new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', { retriable: true, retryAfterMs: 1 }),
        )
      },
    }
    await log.append([
      { topic: 'received', key: 'k', value: new Uint8Array([0, 0, 0, 0, 99]) },
      recordOf(eventOf('a')),
    ])
    await start([], { codec: waiting, context: { now: () => now, hash } })
    await settled()
    expect(asked).toBeGreaterThan(1)
    expect(await valuesOf('dead', 'dead')).toMatchObject([{ code: 'ZENHOOK_SCHEMAS_UNAVAILABLE' }])
    expect(await dispatched()).toEqual(['a'])
  })

  it('keeps progress when the outputs cannot be written', async () => {
    let broken = true
    await send('a')
    const running = await start([], { log: failing(log, () => broken) })
    await expect.poll(() => running.health().ok).toBe(false)
    expect(await log.lag('chain')).toMatchObject([{ records: 1 }])
    broken = false
    await settled()
    expect(await dispatched()).toEqual(['a'])
  })

  it('ends although nothing can be settled, and decides it again at the next start', async () => {
    await send('a')
    const running = await start([], { log: failing(log, () => true) })
    await expect.poll(() => running.health().ok).toBe(false)
    await running.close()
    expect(await log.lag('chain')).toMatchObject([{ records: 1 }])
    await start()
    await settled()
    expect(new Set(await dispatched())).toEqual(new Set(['a']))
  })

  it('takes cancellation for no failure, and loses nothing by it', async () => {
    const metrics = createMetrics()
    let entered = false
    const hanging: Stage = {
      name: 'score',
      process: (_, signal) =>
        new Promise((_resolve, reject) => {
          entered = true
          signal.addEventListener('abort', () => reject(signal.reason))
        }),
    }
    await send('a')
    const running = await start([hanging], { metrics })
    await expect.poll(() => entered).toBe(true)
    await running.close()
    expect(running.health().ok).toBe(true)
    expect((await metrics.stageErrors.get()).values).toEqual([])
    expect(await stored('dead')).toEqual([])
    await start()
    await settled()
    expect(await dispatched()).toEqual(['a'])
  })

  it('reports and records what retention removed before it was read', async () => {
    const local = createMemoryLog()
    log = local
    await log.ensureTopics(specs)
    const metrics = createMetrics()
    await send('a')
    const before = await start()
    await settled()
    await before.close()
    await send('b', 'c', 'd')
    await local.trim('received', 0, 3)
    await start([], { metrics })
    await settled()
    expect(await dispatched()).toEqual(['a', 'd'])
    await expect.poll(async () => (await stored('dead')).length).toBe(1)
    expect(await valuesOf('dead', 'dead')).toMatchObject([
      {
        code: 'ZENHOOK_LOG_GAP',
        message: 'Offsets 1 to 2 were removed before chain read them',
        origin: { topic: 'received', partition: 0, offset: 1 },
      },
    ])
    expect((await metrics.gaps.get()).values).toMatchObject([{ value: 2 }])
  })

  it('is ok again when a partition that could not go on has moved away', async () => {
    await send('a')
    const running = await start([stage('dedupe', () => Promise.reject(away()))])
    await expect.poll(() => running.health().ok).toBe(false)
    await running.close()
    expect(running.health()).toEqual({ ok: true, detail: '' })
  })

  it('runs only the stages it is told to in a split chain', async () => {
    await send('a')
    const running = await start([], {
      chain: 'split',
      only: ['dedupe', 'enrich'],
      groupPrefix: 'zen',
    })
    expect(running.topology.links.map(({ group }) => group)).toEqual(['zen.dedupe', 'zen.enrich'])
    await expect.poll(async () => (await stored('enriched')).length).toBe(1)
    expect(await stored('scored')).toEqual([])
  })

  it('refuses a stage that nobody knows', async () => {
    await expect(start([], { chain: 'split', only: ['polish'] })).rejects.toMatchObject({
      code: 'ZENHOOK_STAGE_UNKNOWN',
    })
    await expect(start([], { stages: [] })).rejects.toMatchObject({ code: 'ZENHOOK_STAGE_UNKNOWN' })
  })
})
