import { describe, expect, it } from 'vitest'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { createCodec, type RecordKinds } from '../../core/event/codec/index.ts'
import { createMemoryLog } from '../../core/log/memory/index.ts'
import { topicDefaults, topics } from '../../core/log/topics.ts'
import { startChain } from '../../core/stage/runner.ts'
import type { Outcome } from '../../core/stage/types.ts'
import { createStages } from '../index.ts'
import {
  contextOf,
  destinationOf,
  eventOf,
  itemOf,
  never,
  registryOf,
  routesOf,
} from '../testing.ts'
import { createScore, logistic, type Score, type Scorer, tableScorer } from './index.ts'

const scorer = (score: Scorer['score']): Scorer => ({ name: 'stub', version: '7', score })

const run = (stub: Scorer, deadlineMs = 50, count = 1): Promise<readonly Outcome[]> =>
  createScore(contextOf(), { scorer: stub, deadlineMs }).process(
    Array.from({ length: count }, (_, index) => itemOf(eventOf({ id: `e${index}` }), index)),
    never,
  )

const degraded = {
  kind: 'emit',
  decisions: [{ verdict: 'pass', reason: 'degraded', score: 0.5, model: 'stub@7' }],
}

const urgencyOf = async (facts: Record<string, unknown>, type = 'alert'): Promise<Score> => {
  const [score] = await tableScorer.score([eventOf({ facts, type })], never)
  if (score === undefined) throw new Error('no score')
  return score
}

describe('the table scorer', () => {
  const cases: readonly [string, Record<string, unknown>][] = [
    ['nothing', {}],
    ['a critical alert', { severity: 'critical', category: 'alert', status: 'open', count: 3 }],
    ['a resolved one', { severity: 'critical', category: 'alert', status: 'resolved' }],
    [
      'a failed main build',
      { severity: 'high', category: 'build', status: 'failed', branch: 'main' },
    ],
    ['a test payment', { severity: 'medium', category: 'payment', status: 'failed', test: true }],
    ['hostile facts', { severity: 'constructor', status: ['open'], count: Number.NaN, title: {} }],
  ]

  it.each(cases)('adds its contributions up to the log-odds of %s', async (_, facts) => {
    const { urgency, contributions } = await urgencyOf(facts)
    const sum = contributions.reduce((total, { value, weight }) => total + value * weight, 0)
    expect(Math.log(urgency / (1 - urgency))).toBeCloseTo(sum, 9)
    expect(urgency).toBe(logistic(sum))
    expect(urgency).toBeGreaterThan(0)
    expect(urgency).toBeLessThan(1)
  })

  it('says the same for the same facts', async () => {
    const facts = { severity: 'high', status: 'open' }
    expect(await urgencyOf(facts)).toEqual(await urgencyOf({ ...facts }))
  })

  it('orders as people would', async () => {
    const order = [
      { severity: 'info', category: 'code', status: 'closed' },
      { severity: 'info', category: 'build', status: 'succeeded' },
      { severity: 'medium', category: 'issue', status: 'open' },
      { severity: 'high', category: 'build', status: 'failed' },
      { severity: 'high', category: 'build', status: 'failed', branch: 'main' },
      { severity: 'critical', category: 'incident', status: 'open', environment: 'production' },
    ]
    const urgencies = await Promise.all(
      order.map(async (facts) => (await urgencyOf(facts)).urgency),
    )
    expect(urgencies).toEqual([...urgencies].sort((one, other) => one - other))
    expect(urgencies.at(0)).toBeLessThan(0.1)
    expect(urgencies.at(-1)).toBeGreaterThan(0.9)
  })

  it('calms down when a problem is resolved', async () => {
    const open = await urgencyOf({ severity: 'critical', category: 'alert', status: 'open' })
    const resolved = await urgencyOf({
      severity: 'critical',
      category: 'alert',
      status: 'resolved',
    })
    expect(open.urgency - resolved.urgency).toBeGreaterThan(0.3)
  })

  it('looks for whole words', async () => {
    const features = async (title: string): Promise<readonly string[]> =>
      (await urgencyOf({ title })).contributions.map(({ feature }) => feature)
    expect(await features('API is down')).toContain('keyword:outage')
    expect(await features('A download was added')).not.toContain('keyword:outage')
  })
})

describe('score', () => {
  it('sets urgency and model in facts and decision, and explains them', async () => {
    const contributions = [{ feature: 'x', value: 2, weight: 0.5 }]
    const [outcome] = await run(scorer(async () => [{ urgency: logistic(1), contributions }]))
    expect(outcome).toMatchObject({
      kind: 'emit',
      event: { facts: { urgency: logistic(1), model: 'stub@7' } },
      decisions: [
        { reason: 'scored', score: logistic(1), model: 'stub@7', details: { contributions } },
      ],
    })
  })

  it('keeps the facts that are there', async () => {
    const stage = createScore(contextOf())
    const [outcome] = await stage.process([itemOf(eventOf({ facts: { severity: 'low' } }))], never)
    expect(outcome).toMatchObject({ event: { facts: { severity: 'low' } } })
  })

  it('takes cancellation for what it is, not for a degraded score', async () => {
    const stage = createScore(contextOf(), { scorer: scorer(() => new Promise(() => {})) })
    const cancelled = new AbortController()
    const running = stage.process([itemOf(eventOf())], cancelled.signal)
    cancelled.abort(new Error('shutdown'))
    await expect(running).rejects.toThrow('shutdown')
  })
})

describe('F28: a scorer that fails', () => {
  it.each<[string, unknown]>([
    ['NaN', { urgency: Number.NaN, contributions: [] }],
    ['too much', { urgency: 1.01, contributions: [] }],
    ['too little', { urgency: -0.1, contributions: [] }],
    ['text', { urgency: '0.9', contributions: [] }],
    ['no contributions', { urgency: 0.9 }],
    [
      'endless weights',
      { urgency: 0.9, contributions: [{ feature: 'x', value: 1, weight: 1 / 0 }] },
    ],
    ['nothing', undefined],
  ])('replaces %s for that event alone', async (_, answer) => {
    const good = { urgency: 0.9, contributions: [] }
    const outcomes = await run(
      scorer(async () => [good, answer, good] as Score[]),
      50,
      3,
    )
    expect(outcomes.map(({ decisions }) => decisions[0]?.reason)).toEqual([
      'scored',
      'degraded',
      'scored',
    ])
    expect(outcomes[1]).toMatchObject({
      ...degraded,
      event: { facts: { urgency: 0.5, degraded: true } },
    })
  })

  it.each<[string, Scorer['score']]>([
    ['throws', () => Promise.reject(new Error('no model'))],
    [
      'throws at once',
      () => {
        throw new Error('no model')
      },
    ],
    ['answers no list', async () => ({ urgency: 1 }) as unknown as Score[]],
    ['never answers', () => new Promise(() => {})],
  ])('goes on without a scorer that %s', async (_, score) => {
    const started = performance.now()
    const outcomes = await run(scorer(score), 50, 2)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(outcomes).toMatchObject([degraded, degraded])
    expect(outcomes[0]?.decisions[0]?.details.cause).toEqual(expect.any(String))
  })

  it('tells the scorer when its time is over', async () => {
    let told = false
    await run(
      scorer(
        (_, signal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => {
              told = true
            })
          }),
      ),
      20,
    )
    expect(told).toBe(true)
  })

  it('marks what the scorer itself calls degraded', async () => {
    const [outcome] = await run(
      scorer(async () => [{ urgency: 0.9, contributions: [], degraded: true }]),
    )
    expect(outcome).toMatchObject({ decisions: [{ reason: 'degraded', score: 0.9 }] })
  })

  it('is left alone for a while once it was late, so that no batch waits for it, and asked again', async () => {
    let asked = 0
    let stalls = true
    const restMs = 500
    const stage = createScore(contextOf(), {
      scorer: scorer(() => {
        asked += 1
        return stalls ? new Promise(() => {}) : Promise.resolve([{ urgency: 1, contributions: [] }])
      }),
      ...{ deadlineMs: 100, restMs },
    })
    const batch = () => stage.process([itemOf(eventOf())], never)
    const started = performance.now()
    // With a deadline for each this would take 20 s.
    for (let each = 0; each < 200; each += 1) expect(await batch()).toMatchObject([degraded])
    expect(performance.now() - started).toBeLessThan(5_000)
    expect(asked).toBeLessThan(20)
    stalls = false
    await expect
      .poll(batch, { timeout: 10_000 })
      .toMatchObject([{ decisions: [{ reason: 'scored', score: 1 }] }])
  })

  it.each<[string, Scorer['score']]>([
    ['stalls', () => new Promise(() => {})],
    ['throws', () => Promise.reject(new Error('no model'))],
    ['says NaN', async (events) => events.map(() => ({ urgency: Number.NaN, contributions: [] }))],
    ['says a thousand', async (events) => events.map(() => ({ urgency: 1e3, contributions: [] }))],
  ])(
    'that %s sends nobody to the pager: the default route takes all, and the log goes on',
    async (_, score) => {
      const snapshot = registryOf(
        ...['pager', 'archive'].map((name) => destinationOf({ name })),
        ...routesOf(
          { name: 'urgent', when: 'score.urgency >= 0.7', to: ['pager'] },
          { name: 'rest', when: 'true', to: ['archive'], default: true },
        ),
      )
      const codec = await createCodec({ schemas: await createFileSchemas() })
      const log = createMemoryLog()
      await log.ensureTopics(topics({ ...topicDefaults, partitions: 1 }))
      const context = { ...contextOf(snapshot), now: Date.now }
      const chain = await startChain({
        ...{ log, codec, chain: 'fused', context, maxRecords: 10 },
        stages: createStages(context, { score: { scorer: scorer(score), deadlineMs: 100 } }),
      })
      try {
        const count = 100
        const events = Array.from({ length: count }, (_, n) =>
          eventOf({ id: `e${n}`, dedupeKey: `d${n}`, receivedAt: Date.now() }),
        )
        const started = performance.now()
        await log.append(
          events.map((event) => ({
            ...{ topic: 'received', key: event.key, headers: { id: event.id } },
            value: codec.encode('event', event),
          })),
        )
        const left = async (): Promise<number> =>
          (await log.lag('chain')).reduce((sum, { records }) => sum + records, 0)
        await expect.poll(left, { timeout: 15_000 }).toBe(0)
        expect(performance.now() - started).toBeLessThan(10_000)
        const told = async <K extends 'dispatch' | 'decisions'>(kind: K) => {
          const values: RecordKinds[K][] = []
          for (const { first, ...end } of await log.ends(kind))
            for await (const { value } of log.read({ ...end, offset: first }))
              values.push(await codec.decode(kind, value ?? new Uint8Array()))
          return values
        }
        const dispatches = await told('dispatch')
        expect(new Set(dispatches.map(({ event }) => event.id)).size).toBe(count)
        for (const { destination, event } of dispatches) {
          expect(destination).toBe('archive')
          expect(event.facts).toMatchObject({ urgency: 0.5, degraded: true })
        }
        const decisions = (await told('decisions')).flatMap((set) => set.decisions)
        const of = (stage: string) => decisions.filter((made) => made.stage === stage)
        expect(of('score').map(({ reason }) => reason)).toEqual(Array(count).fill('degraded'))
        expect(of('route').map(({ reason }) => reason)).toEqual(Array(count).fill('default_route'))
      } finally {
        await chain.close()
        await log.close()
      }
    },
  )
})
