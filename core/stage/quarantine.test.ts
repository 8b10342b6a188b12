import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { type Codec, createCodec } from '../event/codec/index.ts'
import { createMemoryKv } from '../kv/memory/index.ts'
import type { Kv } from '../kv/port.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import type { BatchHandler, Log, Subscription } from '../log/port.ts'
import { createMetrics } from '../telemetry/metrics.ts'
import { createQuarantine, type QuarantinePolicy } from './quarantine.ts'
import { apart, hash } from './testing.ts'

const spec = { partitions: 1, retentionMs: -1, maxMessageBytes: 2 ** 20 }
const names = ['a', 'b', 'c', 'd', 'e']

describe('the quarantine', () => {
  let codec: Codec
  let kv: Kv
  let log: Log
  const lives: Life[] = []

  interface Life {
    seen: string[][]
    die(): Promise<void>
    close(): Promise<void>
    metrics: ReturnType<typeof createMetrics>
  }

  beforeEach(async () => {
    codec = await createCodec({ schemas: await createFileSchemas() })
    const memory = createMemoryKv()
    kv = { ...memory, capabilities: { multiProcess: true, survivesRestart: true } }
    log = createMemoryLog()
    await log.ensureTopics([
      { ...spec, name: 'received' },
      { ...spec, name: 'other', partitions: 4 },
      { ...spec, name: 'dead' },
      { ...spec, name: 'decisions' },
    ])
    await log.append(names.map(recordOf))
  })
  afterEach(async () => {
    for (const life of lives.splice(0)) await life.close()
    await log.close()
    await kv.close()
  })

  const recordOf = (name: string) => ({
    topic: 'received',
    key: 'k',
    value: Buffer.from(name),
    headers: { id: name, tenant: 'acme', source: 'hook', type: 'push' },
  })

  /** A process: once it has died nothing of it is written any more, as if it were not there. */
  const live = async (
    work: (name: string, life: Life) => Promise<unknown> | undefined,
    policy: Partial<QuarantinePolicy> = {},
    topic = 'received',
  ): Promise<Life> => {
    let isDead = false
    const whileAlive =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        if (isDead) throw new Error('it has died')
        return call(...args)
      }
    const own: Kv = {
      ...kv,
      get: whileAlive(kv.get),
      set: whileAlive(kv.set),
      add: whileAlive(kv.add),
      delete: whileAlive(kv.delete),
      replace: whileAlive(kv.replace),
    }
    const metrics = createMetrics()
    let subscription: Subscription | undefined
    const life: Life = {
      seen: [],
      metrics,
      async die() {
        isDead = true
        void subscription?.close()
      },
      async close() {
        if (!isDead) await subscription?.close()
      },
    }
    const onBatch: BatchHandler = async (batch) => {
      life.seen.push(batch.records.map(({ headers }) => headers.id ?? ''))
      for (const record of batch.records) {
        const answer = await work(record.headers.id ?? '', life)
        if (isDead || answer === 'waits') return undefined
        await batch.settle(record)
      }
      return undefined
    }
    const quarantine = createQuarantine({
      ...{ kv: own, codec, metrics, policy },
      holder: `life ${Math.random()}`,
      context: { now: Date.now, hash },
    })
    const watched = quarantine.over(log, (group) => (group === 'chain' ? 'dedupe' : undefined))
    subscription = await watched.subscribe({ group: 'chain', topics: [topic] }, onBatch)
    await subscription.ready()
    lives.push(life)
    return life
  }
  const lag = async (): Promise<number> =>
    (await log.lag('chain')).reduce((sum, { records }) => sum + records, 0)
  const all = async <K extends 'dead' | 'decisions'>(kind: K) => {
    const [end] = await log.ends(kind)
    const found = []
    if (end !== undefined)
      for await (const { value } of log.read({ ...end, offset: end.first }))
        found.push(await codec.decode(kind, value ?? new Uint8Array()))
    return found
  }
  const letters = () => all('dead')
  const kills = (poison: string) => (name: string, life: Life) =>
    name === poison ? life.die() : undefined
  const died = (life: Life) => expect.poll(() => life.seen.flat()).toContain('c')

  it('is not in the way of a partition whose owners end in order', async () => {
    for (let n = 0; n < 6; n += 1) {
      const life = await live(() => undefined)
      await expect.poll(lag).toBe(0)
      await life.close()
      expect(life.seen).toEqual([names])
      await log.append(names.map(recordOf))
    }
    expect(await letters()).toEqual([])
  })

  it('buries a record after two deaths at full speed, one with few and three alone, and nothing else', async () => {
    const seen: string[][][] = []
    for (let n = 0; n < 6; n += 1) {
      const life = await live(kills('c'))
      await died(life)
      expect(await letters()).toEqual([])
      seen.push(life.seen)
    }
    expect(seen).toEqual([
      [names],
      [['c', 'd', 'e']],
      [['c', 'd', 'e']],
      ...[[['c']], [['c']], [['c']]],
    ])
    const last = await live(kills('c'))
    await expect.poll(lag).toBe(0)
    expect(last.seen).toEqual([['d'], ['e']])
    expect(await letters()).toMatchObject([
      {
        code: 'ZENHOOK_STAGE_QUARANTINED',
        tenant: 'acme',
        source: 'hook',
        eventId: 'c',
        stage: 'dedupe',
        origin: { topic: 'received', partition: 0, offset: 2 },
        original: new Uint8Array(Buffer.from('c')),
      },
    ])
    expect(await all('decisions')).toMatchObject([
      { eventId: 'c', decisions: [{ stage: 'dedupe', verdict: 'dead' }] },
    ])
    const { values } = await last.metrics.dead.get()
    expect(values).toMatchObject([
      { labels: { stage: 'dedupe', code: 'ZENHOOK_STAGE_QUARANTINED' }, value: 1 },
    ])
    // Past what was handed out it is at full speed again.
    await log.append(['f', 'g'].map(recordOf))
    await expect.poll(lag).toBe(0)
    expect(last.seen.slice(2)).toEqual([['f', 'g']])
  })

  it('blames nobody when processes die at another record each time', async () => {
    for (const name of ['a', 'a', 'a', 'a', 'b', 'b', 'c', 'c', 'd', 'd', 'e', 'e']) {
      const life = await live(kills(name))
      await expect.poll(() => life.seen.flat()).toContain(name)
    }
    await live(() => undefined)
    await expect.poll(lag).toBe(0)
    expect(await letters()).toEqual([])
  })

  it('takes the count back of a record that an orderly end interrupts', async () => {
    for (let n = 0; n < 3; n += 1) await died(await live(kills('c')))
    const hangs = (name: string) => (name === 'c' ? Promise.resolve('waits') : undefined)
    for (let n = 0; n < 8; n += 1) {
      const life = await live(hangs)
      await died(life)
      await life.close()
    }
    await live(() => undefined)
    await expect.poll(lag).toBe(0)
    expect(await letters()).toEqual([])
  })

  it('does not count a record that waits for something, nor one that is not alone', async () => {
    const hangs = () => Promise.resolve('waits')
    for (let n = 0; n < 3; n += 1) await died(await live(kills('c')))
    for (let n = 0; n < 6; n += 1) {
      const life = await live(hangs, { aloneMs: 1, drainMs: 1 })
      await died(life)
      const count = 'quarantine/chain/received/0/2'
      await expect.poll(() => kv.add(count, 0, 1_000)).toBe(0)
      await life.die()
    }
    await live(() => undefined)
    await expect.poll(lag).toBe(0)
    expect(await letters()).toEqual([])
  })

  it('counts for all processes of a group together, wherever the record moves to', async () => {
    const many = Array.from({ length: 40 }, (_, n) => (n === 7 ? 'poison' : `n${n}`))
    await log.append(many.map((name) => ({ ...recordOf(name), topic: 'other', key: name })))
    const ends = new Map<string, number>()
    const deaths: number[] = []
    const replaced: Promise<unknown>[] = []
    const begin = (): Promise<Life> =>
      live(
        async (name, life) => {
          if (name !== 'poison') return void ends.set(name, (ends.get(name) ?? 0) + 1)
          deaths.push(life.seen.at(-1)?.length ?? 0)
          await life.die()
          replaced.push(begin())
        },
        {},
        'other',
      )
    for (let n = 0; n < 3; n += 1) await begin()
    await expect.poll(lag, { timeout: 15_000 }).toBe(0)
    await Promise.all(replaced)
    // Whoever gets the partition knows what the others met there.
    expect(deaths).toHaveLength(6)
    expect(deaths.slice(-3)).toEqual([1, 1, 1])
    expect(Math.min(...deaths.slice(0, -3))).toBeGreaterThan(1)
    expect((await letters()).map(({ eventId }) => eventId)).toEqual(['poison'])
    expect([...ends.keys()].sort()).toEqual(many.filter((name) => name !== 'poison').sort())
  })

  it('tells no end where what it buries may have gone on', async () => {
    log = apart(log)
    for (let n = 0; n < 6; n += 1) await died(await live(kills('c')))
    await live(kills('c'))
    await expect.poll(lag).toBe(0)
    expect((await letters()).map(({ eventId }) => eventId)).toEqual(['c'])
    expect(await all('decisions')).toEqual([])
  })

  it('forgets deaths once a partition has been well for a while', async () => {
    for (let n = 0; n < 3; n += 1) await died(await live(kills('c')))
    const life = await live(() => undefined, { wellMs: 20 })
    await expect.poll(lag).toBe(0)
    expect(life.seen).toEqual([['c'], ['d'], ['e']])
    await expect
      .poll(async () => (await kv.get(['quarantine/chain/received/0']))[0], { timeout: 5_000 })
      .toMatch(/^0 -1 life/)
  })

  it('goes on without counting while state is away', async () => {
    const away = async (): Promise<never> => {
      throw new Error('away')
    }
    kv = { ...kv, get: away, set: away, add: away, replace: away, delete: away }
    await live(() => undefined)
    await expect.poll(lag).toBe(0)
    kv = createMemoryKv()
  })
})
