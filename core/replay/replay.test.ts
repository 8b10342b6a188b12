import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { destinationOf, routesOf } from '../../processors/testing.ts'
import { ZenhookError } from '../errors/index.ts'
import { type Event, forceHeader } from '../event/index.ts'
import type { Kv } from '../kv/port.ts'
import type { Stage } from '../stage/types.ts'
import type { EventReplay } from './index.ts'
import {
  admin,
  createRig,
  ended,
  eventReplay as events,
  large,
  type Rig,
  refusing,
} from './testing.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

let rig: Rig
beforeAll(async () => {
  rig = await createRig()
})
afterEach(() => rig.rest())
afterAll(() => rig.close())

const sent = async (run: string) =>
  (await rig.dispatches()).filter(({ dispatch }) => dispatch.run === run)
const ids = (list: readonly Event[]): string[] => list.map(({ id }) => id)

describe('a replay of events', () => {
  it('gives the same bytes, as a run of its own', async () => {
    const list = Array.from({ length: 30 }, () => rig.event({ source: 'ordered' }))
    await rig.receive([...list].reverse())
    const replays = rig.replays()
    const { id } = await replays.create(events({ filter: { source: 'ordered' } }), admin)
    const { progress } = await ended(replays, id)
    expect(progress).toMatchObject({ seen: 30, replayed: 30, dispatched: 30, missing: 0 })
    const replayed = await sent(id)
    expect(ids(replayed.map(({ dispatch }) => dispatch.event)).sort()).toEqual(ids(list))
    const live = new Map((await sent('live')).map(({ dispatch }) => [dispatch.id, dispatch]))
    for (const { dispatch, record } of replayed) {
      const first = live.get(dispatch.id)
      expect(dispatch.event.raw).toEqual(first?.event.raw)
      expect(dispatch).toMatchObject({ run: id, attempt: 0 })
      expect(record.headers.run).toBe(id)
      expect(record.headers[forceHeader]).toBeUndefined()
    }
    const made = await rig.decisions(id)
    expect(new Set(made.map(({ stage }) => stage))).toEqual(
      new Set(['replay', 'dedupe', 'enrich', 'score', 'route']),
    )
    const own = new Set(made.map((decision) => decision.id))
    expect(own.size).toBe(made.length)
    for (const { id: other } of await rig.decisions('live')) expect(own.has(other)).toBe(false)
  })

  it('takes what a status, a destination or a range of time selects', async () => {
    const list = [0, 1, 2].map((n) =>
      rig.event({ source: 'chosen', receivedAt: Date.UTC(2026, 1, 1 + n) }),
    )
    await rig.receive(list)
    const replays = rig.replays()
    const seen = async (filter: EventReplay['filter']): Promise<number> => {
      const plan = await replays.plan(events({ filter: { source: 'chosen', ...filter } }), admin)
      return plan.replayed
    }
    expect(await seen({})).toBe(3)
    expect(await seen({ since: Date.UTC(2026, 1, 2) })).toBe(2)
    expect(await seen({ until: Date.UTC(2026, 1, 2) })).toBe(1)
    expect(await seen({ status: 'routed' })).toBe(3)
    expect(await seen({ status: 'dead' })).toBe(0)
    expect(await seen({ destination: 'archive' })).toBe(3)
    expect(await seen({ destination: 'other' })).toBe(0)
    await expect(replays.plan(events({}), admin)).rejects.toMatchObject({
      code: 'ZENHOOK_REPLAY_INVALID',
    })
  })

  it('names what is not retained any more, and what it does not know', async () => {
    const list = Array.from({ length: 3 }, () => rig.event({ source: 'aged' }))
    const [place] = await rig.receive(list)
    rig.gone.add(`${place?.topic}/${place?.partition}/${place?.offset}`)
    const replays = rig.replays()
    const byFilter = await replays.create(events({ filter: { source: 'aged' } }), admin)
    expect((await ended(replays, byFilter.id)).progress).toMatchObject({
      ...{ seen: 3, replayed: 2, missing: 1, missingIds: [list[0]?.id] },
    })
    const named = await replays.create(events({ ids: [...ids(list), 'nobody'] }), admin)
    const { progress } = await ended(replays, named.id)
    expect(progress.missing).toBe(2)
    expect([...progress.missingIds].sort()).toEqual([list[0]?.id, 'nobody'].sort())
  })

  it('keeps duplicates duplicates: by a filter, and of each other', async () => {
    const twins = [0, 1].map(() => rig.event({ source: 'twins', dedupeKey: 'same' }))
    await rig.receive(twins)
    const replays = rig.replays()
    const run = async (spec: Partial<EventReplay>) => {
      const { id } = await replays.create(events(spec), admin)
      return { id, ...(await ended(replays, id)).progress }
    }
    const filtered = await run({ filter: { source: 'twins' } })
    expect(filtered).toMatchObject({ seen: 2, replayed: 1, skipped: { duplicate: 1 } })
    const both = await run({ ids: ids(twins) })
    expect(both).toMatchObject({ seen: 2, replayed: 1, skipped: { duplicate: 1 } })
    expect((await sent(both.id)).length).toBe(1)
    // Whoever names the duplicate alone means it.
    expect(await run({ ids: [twins[1]?.id ?? ''] })).toMatchObject({ replayed: 1, skipped: {} })
  })

  it('enters with what earlier stages had found: as it went out, else found anew', async () => {
    const list = [rig.event({ source: 'facts' }), rig.event({ source: 'facts' })]
    await rig.receive(list)
    const [first] = (await sent('live')).filter(({ dispatch }) => dispatch.event.id === list[0]?.id)
    if (first === undefined) throw new Error('it was not dispatched')
    const marked = { ...first.dispatch, event: { ...first.dispatch.event } }
    Object.assign(marked.event, { facts: { ...marked.event.facts, severity: 'marked' } })
    const [position] = await rig.log.append([
      { topic: 'dispatch', key: null, value: rig.codec.encode('dispatch', marked) },
    ])
    if (position === undefined) throw new Error('it was not appended')
    rig.known.set(marked.id, { delivered: false, run: 'live', position })
    const replays = rig.replays()
    const { id } = await replays.create(events({ ids: ids(list), from: 'route' }), admin)
    expect((await ended(replays, id)).progress.replayed).toBe(2)
    const facts = new Map(
      (await sent(id)).map(({ dispatch }) => [dispatch.event.id, dispatch.event.facts]),
    )
    expect(facts.get(list[0]?.id ?? '')).toMatchObject({
      severity: 'marked',
      urgency: expect.any(Number),
    })
    expect(facts.get(list[1]?.id ?? '')).toMatchObject({ urgency: expect.any(Number) })
    const audit = (await rig.decisions(id)).filter(({ stage }) => stage === 'replay')
    expect(new Set(audit.map(({ details }) => details.facts))).toEqual(
      new Set(['recorded', 'recomputed']),
    )
    expect((await rig.decisions(id)).map(({ stage }) => stage)).not.toContain('enrich')
  })

  it('goes by the configuration of now, or straight to where it is told', async () => {
    const list = [rig.event({ source: 'routed' })]
    await rig.receive(list)
    const replays = rig.replays()
    const straight = await replays.create(events({ ids: ids(list), to: 'other' }), admin)
    await ended(replays, straight.id)
    expect((await sent(straight.id)).map(({ dispatch }) => dispatch.destination)).toEqual(['other'])
    const lost = await replays.create(events({ ids: ids(list), to: 'nowhere' }), admin)
    expect((await ended(replays, lost.id)).progress.skipped).toEqual({ destination_missing: 1 })
    await expect(
      replays.create(events({ filter: { tenant: 'acme' }, to: 'nowhere' }), admin),
    ).rejects.toMatchObject({ code: 'ZENHOOK_REPLAY_INVALID' })
  })

  it('passes what a destination has, and marks what is forced', async () => {
    const list = [rig.event({ source: 'had' })]
    await rig.receive(list)
    const [live] = (await sent('live')).filter(({ dispatch }) => dispatch.event.id === list[0]?.id)
    if (live === undefined) throw new Error('it was not dispatched')
    rig.deliver(live.dispatch, live.record)
    const replays = rig.replays()
    const plain = await replays.create(events({ ids: ids(list) }), admin)
    expect((await ended(replays, plain.id)).progress.skipped).toEqual({ already_delivered: 1 })
    expect(await sent(plain.id)).toEqual([])
    expect((await rig.decisions(plain.id)).at(-1)).toMatchObject({
      ...{ verdict: 'delivered', reason: 'already_delivered', dispatchId: live.dispatch.id },
    })
    const forced = await replays.create(events({ ids: ids(list), force: true }), admin)
    await ended(replays, forced.id)
    expect((await sent(forced.id)).map(({ record }) => record.headers[forceHeader])).toEqual(['1'])
    expect((await rig.decisions(forced.id))[0]).toMatchObject({
      ...{ stage: 'replay', details: { by: 'admin', force: true } },
    })
  })

  it('keeps a caller within its tenant', async () => {
    const mine = rig.event({ tenant: 'acme', source: 'scoped' })
    const theirs = rig.event({ tenant: 'globex', source: 'scoped' })
    await rig.receive([mine, theirs])
    const replays = rig.replays()
    const bound = { name: 'ci', tenant: 'acme' }
    const named = await replays.create(events({ ids: [mine.id, theirs.id] }), bound)
    expect((await ended(replays, named.id)).progress).toMatchObject({
      ...{ replayed: 1, missing: 1, missingIds: [theirs.id] },
    })
    const plan = await replays.plan(
      events({ filter: { tenant: 'globex', source: 'scoped' } }),
      bound,
    )
    expect(plan).toMatchObject({ candidates: 0, replayed: 0, sample: [] })
    const other = { name: 'other', tenant: 'globex' }
    await expect(replays.get(named.id, other)).rejects.toMatchObject({
      code: 'ZENHOOK_REPLAY_NOT_FOUND',
    })
    await expect(replays.cancel(named.id, other)).rejects.toMatchObject({
      code: 'ZENHOOK_REPLAY_NOT_FOUND',
    })
    expect((await replays.list(other)).length).toBe(0)
    expect((await replays.list(bound)).map(({ id }) => id)).toEqual([named.id])
  })
})

describe('the runner', () => {
  const shared = (): Kv => ({
    ...rig.kv,
    capabilities: { multiProcess: true, survivesRestart: false },
  })

  it('is one at a time, and the next goes on where the first was cut off, doubling nothing', async () => {
    const list = Array.from({ length: 60 }, () => rig.event({ source: 'cut' }))
    await rig.receive(list)
    let broken: 'checkpoints' | 'all' | undefined
    /** Its records arrive, its checkpoints no more: it dies in between. */
    const cut: Kv = {
      ...shared(),
      replace: (entries) =>
        broken !== undefined &&
        entries.some(({ key }) => key.startsWith(broken === 'all' ? 'replay/' : 'replay/job/'))
          ? Promise.reject(new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true }))
          : rig.kv.replace(entries),
    }
    const first = rig.replays({ kv: cut, leaseMs: 400 })
    const spec = events({ filter: { source: 'cut' }, rate: 80 })
    const { id } = await first.create(spec, admin)
    await vi.waitFor(async () => expect((await sent(id)).length).toBeGreaterThan(0), {
      timeout: 20_000,
    })
    broken = 'checkpoints'
    await vi.waitFor(
      async () => {
        const made = (await sent(id)).map(({ dispatch }) => dispatch.id)
        expect(made.length).toBeGreaterThan(new Set(made).size)
      },
      { timeout: 20_000 },
    )
    broken = 'all'
    const second = rig.replays({ kv: shared(), leaseMs: 400 })
    const { progress } = await ended(second, id)
    expect(progress.seen).toBe(60)
    const dispatches = await sent(id)
    // Some were made twice: the cut was a cut.
    expect(dispatches.length).toBeGreaterThan(60)
    expect(new Set(dispatches.map(({ dispatch }) => dispatch.id)).size).toBe(60)
    const made = await rig.decisions(id)
    // What was made twice has the same ids: it is one row, and one dispatch.
    expect(new Set(made.map((decision) => decision.id)).size).toBe(60 * 5)
    for (const { reason } of made) expect(reason).not.toBe('duplicate')
  })

  it('keeps the rate, holds, goes on and ends as it is told', async () => {
    const list = Array.from({ length: 40 }, () => rig.event({ source: 'slow' }))
    await rig.receive(list)
    const replays = rig.replays()
    const { id } = await replays.create(events({ filter: { source: 'slow' }, rate: 20 }), admin)
    const from = Date.now()
    await vi.waitFor(async () => expect((await sent(id)).length).toBeGreaterThan(4), {
      timeout: 20_000,
    })
    await replays.pause(id, admin)
    await expect(replays.pause(id, admin)).resolves.toMatchObject({ state: 'paused' })
    await new Promise((resolve) => setTimeout(resolve, 500))
    const held = (await sent(id)).length
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await sent(id)).length).toBe(held)
    expect(held).toBeLessThan(40)
    await replays.resume(id, admin)
    await ended(replays, id)
    expect((await sent(id)).length).toBe(40)
    expect(Date.now() - from).toBeGreaterThan(2_000)
    await expect(replays.resume(id, admin)).rejects.toMatchObject({ code: 'ZENHOOK_REPLAY_STATE' })
    const other = await replays.create(events({ filter: { source: 'slow' }, rate: 1 }), admin)
    expect((await replays.cancel(other.id, admin)).state).toBe('cancelled')
    expect((await replays.get(other.id, admin)).progress.replayed).toBeLessThan(40)
  })

  it('waits while a stage cannot decide', async () => {
    const list = [rig.event({ source: 'undecided' })]
    await rig.receive(list)
    let late = 2
    const kv: Kv = {
      ...rig.kv,
      claim: (claims) =>
        late-- > 0
          ? Promise.reject(new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true }))
          : rig.kv.claim(claims),
    }
    const replays = rig.replays({ kv })
    const { id } = await replays.create(events({ ids: ids(list) }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({ replayed: 1, dispatched: 1 })
    expect(late).toBeLessThan(0)
  })

  it('lets an event die alone that its topic refuses', async () => {
    const list = [0, 1, 2].map(() => rig.event({ source: 'large', raw: large }))
    await rig.receive(list)
    const refused = list[1]?.id ?? ''
    const replays = rig.replays({ log: refusing(rig.log, refused) })
    const { id } = await replays.create(events({ filter: { source: 'large' } }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({
      ...{ seen: 3, replayed: 2, dispatched: 2, died: 1, missing: 0 },
    })
    const others = ids(list).filter((other) => other !== refused)
    // What was taken before the refusal is there twice: one dispatch, wherever it arrives.
    const dispatched = ids((await sent(id)).map(({ dispatch }) => dispatch.event))
    expect([...new Set(dispatched)].sort()).toEqual(others)
    const made = await rig.decisions(id)
    const verdictsOf = (event: string) =>
      made.filter(({ eventId }) => eventId === event).map(({ verdict }) => verdict)
    // Nothing says that it was sent on.
    expect(verdictsOf(refused)).toEqual(['dead'])
    for (const other of others) expect(verdictsOf(other)).toContain('dispatch')
    expect((await rig.dead()).filter(({ eventId }) => eventId === refused)).toMatchObject([
      { code: 'ZENHOOK_LOG_RECORD_TOO_LARGE', stage: 'route' },
    ])
  })

  it('counts an event once that dies in a stage, and whose letter is too large', async () => {
    const event = rig.event({ source: 'twice', raw: large })
    await rig.receive([event])
    const fails = (stage: Stage): Stage => ({
      ...stage,
      process: () => Promise.reject(new TypeError('no such field')),
    })
    const { stagesOver } = rig.context
    const log = refusing(rig.log, event.id, 'dead')
    const replays = rig.replays({
      context: { ...rig.context, log, stagesOver: (claims) => stagesOver(claims).map(fails) },
    })
    const { id } = await replays.create(events({ ids: [event.id] }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({ seen: 1, replayed: 0, died: 1 })
    const letters = (await rig.dead()).filter(({ eventId }) => eventId === event.id)
    expect(letters.map(({ original }) => original.length)).toEqual([0])
  })

  it('waits while an engine is away, and fails with the cause for a fault of ours', async () => {
    const list = [rig.event({ source: 'away' })]
    await rig.receive(list)
    let failure: ZenhookError | undefined = new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', {
      retriable: true,
    })
    const log = {
      ...rig.log,
      append: (records: Parameters<typeof rig.log.append>[0]) =>
        failure === undefined ? rig.log.append(records) : Promise.reject(failure),
    }
    const replays = rig.replays({ log })
    const { id } = await replays.create(events({ ids: ids(list) }), admin)
    await vi.waitFor(async () => expect((await replays.get(id, admin)).state).toBe('running'))
    failure = undefined
    await ended(replays, id)
    failure = new ZenhookError('ZENHOOK_LOG_CLOSED', { message: 'broken for good' })
    const lost = await replays.create(events({ ids: ids(list), force: true }), admin)
    await vi.waitFor(
      async () =>
        expect(await replays.get(lost.id, admin)).toMatchObject({
          ...{ state: 'failed', error: 'broken for good' },
        }),
      { timeout: 20_000 },
    )
  })
})

describe('dispatches as they were decided', () => {
  it('are counted where nothing says what they were', async () => {
    rig.setRegistry([
      ...['archive', 'other'].map((name) => destinationOf({ name })),
      ...routesOf({ name: 'both', to: ['archive', 'other'] }),
    ])
    const list = [rig.event({ source: 'both' })]
    await rig.receive(list)
    const live = (await sent('live')).find(({ dispatch }) => dispatch.event.id === list[0]?.id)
    if (live === undefined) throw new Error('it was not dispatched')
    const replays = rig.replays()
    const again = async () => {
      const { id } = await replays.create(events({ ids: ids(list), from: 'deliver' }), admin)
      return (await ended(replays, id)).progress
    }
    expect(await again()).toMatchObject({ replayed: 0, skipped: { no_dispatch: 1 } })
    // The other one was not tried yet.
    rig.deliver(live.dispatch, live.record, false)
    expect(await again()).toMatchObject({
      ...{ replayed: 1, dispatched: 1, skipped: { dispatch_unknown: 1 } },
    })
  })
})

describe('routes that have changed', () => {
  it('decide a replay from the start', async () => {
    const list = [rig.event({ source: 'moved' })]
    await rig.receive(list)
    rig.setRegistry([...routesOf()])
    const replays = rig.replays()
    const { id } = await replays.create(events({ ids: ids(list) }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({
      ...{ replayed: 0, skipped: { no_route: 1 } },
    })
  })
})
