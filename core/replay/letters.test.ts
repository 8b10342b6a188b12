import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { deadRecord as sinkLetter } from '../decisions/sink/letters.ts'
import { ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import { type Event, replaysHeader } from '../event/index.ts'
import { deadRecord } from '../stage/records.ts'
import type { EventReplay, Replays } from './index.ts'
import {
  admin,
  createRig,
  ended,
  eventReplay as events,
  hash,
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

describe('dead letters', () => {
  const undecodable = new ZenhookError('ZENHOOK_STAGE_UNDECODABLE', { message: 'broken' })
  const bury = async (
    event: Event,
    {
      place,
      partition = 0,
      without = false,
      code,
      topic = 'received',
    }: {
      place: number
      partition?: number
      without?: boolean
      code?: ZenhookError
      topic?: string
    },
  ): Promise<string> => {
    const record = {
      ...{ topic, partition, offset: place, key: event.key, timestamp: 1 },
      value: rig.codec.encode('event', event),
      headers: { id: event.id, tenant: event.tenant, source: event.source, type: event.type },
    }
    const letter = deadRecord(rig.codec, hash, {
      ...{ record, event, stage: 'enrich', error: code ?? undecodable, at: Date.now() },
      withoutOriginal: without,
    })
    await rig.log.append([letter])
    const { id } = await rig.codec.decode('dead', letter.value ?? new Uint8Array())
    return id
  }
  const stateOf = async (replays: Replays, id: string) => (await replays.letter(id, admin))?.state
  const dead = (over: object) => ({
    ...{ kind: 'dead' as const, filter: {}, rate: 1_000, force: false },
    ...over,
  })

  it('of a stage go through the chain again, once', async () => {
    const event = rig.event({ source: 'buried' })
    const letter = await bury(event, { place: 900_001 })
    const replays = rig.replays()
    const first = await replays.create(dead({ filter: { source: 'buried' } }), admin)
    expect((await ended(replays, first.id)).progress).toMatchObject({ replayed: 1, dispatched: 1 })
    const [one] = await sent(first.id)
    expect(one?.dispatch.event.raw).toEqual(event.raw)
    expect(one?.record.headers[replaysHeader]).toBe('1')
    expect(await stateOf(replays, letter)).toBe('replayed')
    const second = await replays.create(dead({ ids: [letter] }), admin)
    expect((await ended(replays, second.id)).progress).toMatchObject({
      ...{ replayed: 0, skipped: { already_replayed: 1 } },
    })
  })

  it.each(['unique', 'enriched', 'scored'])(
    'of a stage that read %s, where topics lie between the stages, are told of as sent',
    async (topic) => {
      const origin = { topic: 'received', partition: 0, offset: 900_030 }
      const event = { ...rig.event({ source: `between-${topic}` }), origin }
      const letter = await bury(event, { place: 40, topic })
      const replays = rig.replays()
      const { id } = await replays.create(dead({ ids: [letter] }), admin)
      expect((await ended(replays, id)).progress).toMatchObject({
        ...{ replayed: 1, dispatched: 1, died: 0 },
      })
      expect(await stateOf(replays, letter)).toBe('replayed')
    },
  )

  it('that die again stay open with their count, up to a limit', async () => {
    const event = rig.event({ source: 'doomed' })
    const letter = await bury(event, { place: 900_002 })
    // The bytes are no event: the chain can only bury it again.
    const [found] = (await rig.dead()).filter(({ id }) => id === letter)
    if (found === undefined) throw new Error('there is no letter')
    await rig.log.append([
      {
        topic: 'dead',
        key: event.key,
        value: rig.codec.encode('dead', { ...found, original: new Uint8Array([9, 9, 9, 9, 9, 9]) }),
      },
    ])
    const replays = rig.replays()
    for (let replayed = 1; replayed <= 5; replayed += 1) {
      const { id } = await replays.create(dead({ ids: [letter] }), admin)
      expect((await ended(replays, id)).progress).toMatchObject({ died: 1, replayed: 0 })
      expect(await replays.letter(letter, admin)).toMatchObject({
        ...{ state: 'open', replays: replayed },
      })
    }
    const { id } = await replays.create(dead({ ids: [letter] }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({
      ...{ died: 0, skipped: { replay_limit: 1 } },
    })
  })

  it('wait, all of a step, while the schema of one cannot be read', async () => {
    const [first, second] = [rig.event({ source: 'unread' }), rig.event({ source: 'unread' })]
    const letters = [await bury(first, { place: 900_011 }), await bury(second, { place: 900_012 })]
    const last = rig.codec.encode('event', second)
    let away = 2
    const codec: Codec = {
      ...rig.codec,
      decode: (kind, bytes) =>
        kind === 'event' && Buffer.from(bytes).equals(last) && away-- > 0
          ? Promise.reject(new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', { retriable: true }))
          : rig.codec.decode(kind, bytes),
    }
    const replays = rig.replays({ context: { ...rig.context, codec } })
    const { id } = await replays.create(dead({ filter: { source: 'unread' } }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({ seen: 2, replayed: 2 })
    expect(away).toBeLessThan(0)
    expect((await sent(id)).length).toBe(2)
    for (const letter of letters) expect(await stateOf(replays, letter)).toBe('replayed')
  })

  it('that their topic refuses are open again, alone', async () => {
    const list = [0, 1].map(() => rig.event({ source: 'large', raw: large }))
    const letters = await Promise.all(list.map((event, n) => bury(event, { place: 900_021 + n })))
    const replays = rig.replays({ log: refusing(rig.log, list[0]?.id ?? '') })
    const { id } = await replays.create(dead({ filter: { source: 'large' } }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({ seen: 2, replayed: 1, died: 1 })
    const replayed = (await sent(id)).map(({ dispatch }) => dispatch.event.id)
    expect([...new Set(replayed)]).toEqual([list[1]?.id])
    expect(await stateOf(replays, letters[0] ?? '')).toBe('open')
    expect(await stateOf(replays, letters[1] ?? '')).toBe('replayed')
  })

  it('of a delivery that their topic refuses stay as they are', async () => {
    const event = rig.event({ source: 'large-delivery', raw: large })
    await rig.receive([event])
    const live = (await sent('live')).find(({ dispatch }) => dispatch.event.id === event.id)
    if (live === undefined) throw new Error('it was not dispatched')
    const { record } = live
    const about = { event, stage: 'deliver', error: undecodable, at: Date.now() }
    const letter = deadRecord(rig.codec, hash, { record, ...about })
    await rig.log.append([letter])
    const dispatches = (await rig.dispatches()).length
    const replays = rig.replays({ log: refusing(rig.log, event.id) })
    const { id } = await replays.create(dead({ filter: { source: 'large-delivery' } }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({
      ...{ seen: 1, replayed: 0, dispatched: 0, died: 1 },
    })
    const { id: name } = await rig.codec.decode('dead', letter.value ?? new Uint8Array())
    expect(await replays.letter(name, admin)).toMatchObject({ state: 'open', replays: 1 })
    expect((await rig.dispatches()).length).toBe(dispatches)
    expect(await rig.decisions(id)).toEqual([])
  })

  it('are two where a stage and the sink buried one record: the event goes through the chain', async () => {
    const event = rig.event({ source: 'twice-buried' })
    const letter = await bury(event, { place: 900_050, code: undecodable })
    const headers = { id: event.id, tenant: event.tenant, source: event.source, type: event.type }
    const record = {
      topic: 'received',
      partition: 0,
      offset: 900_050,
      key: event.key,
      timestamp: 1,
    }
    const about = { error: undecodable, at: Date.now() }
    const ofSink = sinkLetter(
      { codec: rig.codec, hash, stage: 'sink' },
      { record: { ...record, headers, value: rig.codec.encode('event', event) }, ...about },
      true,
    )
    await rig.log.append([ofSink])
    const replays = rig.replays()
    const { id } = await replays.create(dead({ filter: { source: 'twice-buried' } }), admin)
    expect((await ended(replays, id)).progress).toMatchObject({
      ...{ seen: 2, replayed: 1, skipped: { not_replayable: 1 } },
    })
    expect(await stateOf(replays, letter)).toBe('replayed')
  })

  it('that only point to their bytes are read back, or named as missing', async () => {
    const event = rig.event({ source: 'pointer' })
    const [place] = await rig.receive([event])
    const { offset, partition } = place ?? { offset: -1, partition: 0 }
    const there = await bury(event, { place: offset, partition, without: true })
    const gone = await bury(rig.event({ source: 'pointer' }), { place: 900_003, without: true })
    const gap = new ZenhookError('ZENHOOK_LOG_GAP', { message: 'removed before they were read' })
    const nothing = await bury(rig.event({ source: 'pointer' }), { place: 900_004, code: gap })
    const replays = rig.replays()
    const { id } = await replays.create(dead({ ids: [there, gone, nothing, 'nobody'] }), admin)
    const { progress } = await ended(replays, id)
    expect((await sent(id)).map(({ dispatch }) => dispatch.event.id)).toEqual([event.id])
    expect(progress).toMatchObject({ replayed: 1, missing: 2, skipped: { not_replayable: 1 } })
    expect([...progress.missingIds].sort()).toEqual([gone, 'nobody'].sort())
    expect(await stateOf(replays, gone)).toBe('open')
  })

  it('are given up with an audit, within the tenant, once', async () => {
    const [mine, theirs] = [
      rig.event({ source: 'given-up' }),
      rig.event({ source: 'given-up', tenant: 'globex' }),
    ]
    const letters = [await bury(mine, { place: 900_005 }), await bury(theirs, { place: 900_006 })]
    const replays = rig.replays()
    const bound = { name: 'ci', tenant: 'acme' }
    expect(await replays.letter(letters[1] ?? '', bound)).toBeUndefined()
    const made = await replays.discard({ ids: letters, filter: {}, reason: 'obsolete' }, bound)
    expect(made).toMatchObject({
      ...{ discarded: [letters[0]], refused: [{ id: letters[1], why: 'unknown' }] },
    })
    const audit = (await rig.decisions('live')).filter(({ stage }) => stage === 'discard')
    expect(audit).toMatchObject([
      {
        ...{ eventId: mine.id, verdict: 'dead', reason: 'discarded' },
        details: { by: 'ci', why: 'obsolete', deadLetter: letters[0] },
      },
    ])
    expect(
      await replays.discard({ ids: letters, filter: {}, reason: 'again' }, bound),
    ).toMatchObject({ discarded: [], refused: [{ why: 'discarded' }, { why: 'unknown' }] })
    expect(await replays.letter(letters[0] ?? '', admin)).toMatchObject({
      ...{ state: 'discarded', mark: { by: 'ci', reason: 'obsolete' } },
    })
  })

  it('that were given up are left alone by a filter, and taken where they are named', async () => {
    const event = rig.event({ source: 'refused' })
    await rig.receive([event])
    const [live] = (await sent('live')).filter(({ dispatch }) => dispatch.event.id === event.id)
    if (live === undefined) throw new Error('it was not dispatched')
    const { dispatch, record } = live
    const { topic, partition, offset } = record
    const about = { ...event, eventId: event.id, stage: 'deliver', at: Date.now() }
    const { id, destination } = dispatch
    const code = 'ZENHOOK_CONNECTOR_REFUSED'
    const letter = {
      ...{ ...about, id: hash(id).slice(0, 40), dispatchId: id, destination, code },
      ...{
        message: 'http_400',
        origin: { topic, partition, offset },
        originHeaders: record.headers,
      },
      original: record.value ?? new Uint8Array(),
    }
    const died = {
      ...{ id: hash(`died ${id}`).slice(0, 40), stage: 'deliver', verdict: 'dead' as const },
      ...{ reason: 'http_400', dispatchId: id, destination, attempt: 1, at: Date.now() + 5_000 },
      ...{ tookMs: 1, details: {} },
    }
    const set = { ...about, type: event.type, run: 'live', decisions: [died] }
    await rig.log.append([
      { topic: 'dead', key: null, value: rig.codec.encode('dead', letter) },
      { topic: 'decisions', key: null, value: rig.codec.encode('decisions', set) },
    ])
    const replays = rig.replays()
    const filter = { source: 'refused', status: 'dead' as const }
    const look = async (spec: Partial<EventReplay>) => {
      await rig.receive([])
      const { replayed, skipped } = await replays.plan(events(spec), admin)
      return { replayed, skipped }
    }
    await vi.waitFor(
      async () => expect(await look({ filter })).toEqual({ replayed: 1, skipped: {} }),
      { timeout: 20_000 },
    )
    await replays.discard({ filter: { source: 'refused' }, reason: 'obsolete' }, admin)
    await vi.waitFor(
      async () =>
        expect(await look({ filter })).toEqual({ replayed: 0, skipped: { discarded: 1 } }),
      { timeout: 20_000 },
    )
    expect(await look({ ids: [event.id] })).toEqual({ replayed: 1, skipped: {} })
  })

  it('are reached by their id, and given up by a filter, however many died since', async () => {
    const key = 'long-ago'
    const list = [0, 1, 2].map(() => rig.event({ key, source: key }))
    const [one = '', two = '', three = ''] = await Promise.all(
      list.map((event, n) => bury(event, { place: 900_040 + n })),
    )
    const later = { topic: 'dead', key, value: new Uint8Array([0]) }
    await rig.log.append(Array.from({ length: 5_000 }, () => later))
    const replays = rig.replays()
    const filter = { source: key }
    const reason = 'obsolete'
    expect(await replays.letters(filter, admin)).toEqual({ letters: [], more: true })
    expect(await replays.letter(one, admin)).toMatchObject({ dead: { id: one }, state: 'open' })
    expect((await replays.letter(one, admin))?.dead.original.length).toBeGreaterThan(0)
    expect(await replays.letter(one, { name: 'ci', tenant: 'globex' })).toBeUndefined()
    const named = { ids: [one, 'nobody'], filter: {}, reason }
    expect(await replays.discard(named, admin)).toEqual({
      ...{ discarded: [one], refused: [{ id: 'nobody', why: 'unknown' }], more: false },
    })
    const gone = AbortSignal.abort(new Error('nobody waits any more'))
    await expect(replays.letter('nobody', admin, gone)).rejects.toThrow('nobody waits')
    await expect(replays.discard({ filter, reason }, admin, gone)).rejects.toThrow('nobody waits')
    const rest = await replays.discard({ filter, reason }, admin)
    expect({ ...rest, discarded: [...rest.discarded].sort() }).toEqual({
      ...{ discarded: [two, three].sort(), refused: [], more: false },
    })
    expect(await stateOf(replays, three)).toBe('discarded')
  })
})
