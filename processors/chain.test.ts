import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileSchemas } from '../core/event/codec/files/index.ts'
import type { Codec, RecordKind, RecordKinds } from '../core/event/codec/index.ts'
import { createCodec } from '../core/event/codec/index.ts'
import type { Decision, Event } from '../core/event/index.ts'
import { createMemoryLog } from '../core/log/memory/index.ts'
import type { Log, NewRecord, StoredRecord } from '../core/log/port.ts'
import { topics } from '../core/log/topics.ts'
import { type Chain, startChain } from '../core/stage/runner.ts'
import { createStages } from './index.ts'
import {
  contextOf,
  destinationOf,
  registryOf,
  routesOf,
  sampleEvent,
  samples,
  samplesMissing,
  sha256,
} from './testing.ts'

const all = samples()
if (all.length === 0) console.info(`skipped: the chain on sample payloads: ${samplesMissing}`)

const registry = registryOf(
  destinationOf({ name: 'oncall', ordered: true }),
  destinationOf({ name: 'archive' }),
  destinationOf({ name: 'off', disabled: true }),
  ...routesOf(
    { name: 'urgent', when: 'score.urgency >= 0.7', to: ['oncall', 'off'] },
    { name: 'builds', when: 'facts.category == "build"', to: ['archive'], transform: '$' },
    { name: 'security', when: 'facts.category == "security"', to: ['archive', 'oncall'] },
    { name: 'fails', when: 'event.data.action == "created"', to: ['archive'] },
    {
      name: 'rest',
      when: '!(facts.category in ["chat", "meeting"])',
      to: ['archive'],
      default: true,
    },
  ),
)

/** Every sample from two tenants, every tenth one sent twice, and one copy within the log. */
const sent = (): readonly Event[] => {
  const events = all.flatMap((sample, index) => {
    const id = (suffix: string): string => `0192-${index}-${suffix}`
    const fields = { key: `acme/${sample.provider}`, dedupeKey: `d-${index}` }
    const event = sampleEvent(sample, { ...fields, id: id('a'), deliveryId: `del-${index}` })
    const other = sampleEvent(sample, { ...fields, id: id('b'), tenant: 'globex' })
    const again = sampleEvent(sample, { ...fields, id: id('c'), receivedAt: event.receivedAt + 5 })
    return index % 10 === 0 ? [event, other, again] : [event, other]
  })
  const [first] = events
  return first === undefined ? events : [...events, first]
}

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe.skipIf(all.length === 0)('the chain on real payloads', () => {
  let codec: Codec
  let log: Log
  let chain: Chain | undefined

  beforeEach(async () => {
    codec = await createCodec({ schemas: await createFileSchemas() })
    log = createMemoryLog()
    await log.ensureTopics(topics())
  })
  afterEach(async () => {
    await chain?.close()
    await log.close()
  })

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
  const received = (run?: string): readonly NewRecord[] =>
    sent().map((event) => ({
      topic: 'received',
      key: event.key,
      value: codec.encode('event', event),
      headers: { id: event.id, traceparent, tracestate: 'a=b', ...(run !== undefined && { run }) },
    }))
  const drained = async (started: Chain): Promise<void> => {
    await started.ready()
    await expect
      .poll(
        async () => {
          const lags = await Promise.all(started.topology.links.map(({ group }) => log.lag(group)))
          return lags.flat().reduce((sum, { records }) => sum + records, 0)
        },
        { timeout: 15_000 },
      )
      .toBe(0)
  }
  const start = async (mode: 'fused' | 'split', groupPrefix?: string): Promise<Chain> =>
    startChain({
      log,
      codec,
      chain: mode,
      stages: createStages(contextOf(registry)),
      context: { now: () => 1_760_000_001_000, hash: sha256 },
      maxRecords: 16,
      ...(groupPrefix !== undefined && { groupPrefix }),
    })

  const told = async (mode: 'fused' | 'split') => {
    log = createMemoryLog()
    await log.ensureTopics(topics())
    await log.append(received())
    chain = await start(mode)
    await drained(chain)
    await chain.close()
    const sets = await valuesOf('decisions', 'decisions')
    const decisions = new Map<string, Omit<Decision, 'at' | 'tookMs'>>()
    for (const { eventId, decisions: list } of sets)
      for (const { at, tookMs, ...decision } of list) {
        expect(at).toBe(1_760_000_001_000)
        expect(tookMs).toBeGreaterThanOrEqual(0)
        expect(decisions.has(decision.id)).toBe(false)
        decisions.set(decision.id, { ...decision, details: { ...decision.details, eventId } })
      }
    const dispatches = await valuesOf('dispatch', 'dispatch')
    return {
      sets,
      decisions,
      dispatches: new Map(dispatches.map((dispatch) => [dispatch.id, dispatch])),
      dispatchRecords: await stored('dispatch'),
      dead: await stored('dead'),
    }
  }

  it('makes the same decisions and dispatches fused and split', async () => {
    const fused = await told('fused')
    const split = await told('split')
    expect(split.decisions).toEqual(fused.decisions)
    expect([...split.dispatches.keys()].sort()).toEqual([...fused.dispatches.keys()].sort())
    for (const [id, dispatch] of fused.dispatches) {
      const { data: one, ...event } = dispatch.event
      const other = split.dispatches.get(id)
      expect(other).toMatchObject({ ...dispatch, event })
      expect(other?.event.data).toEqual(one)
    }
    expect(fused.dead).toEqual([])
    expect(split.dead).toEqual([])
    // Not two empty lists: every kind of end is among them.
    const reasons = new Set([...fused.decisions.values()].map(({ reason }) => reason))
    for (const reason of [
      'duplicate',
      'no_route',
      'matched',
      'default_route',
      'destination_disabled',
    ])
      expect(reasons).toContain(reason)
    expect(fused.dispatches.size).toBeGreaterThan(60)
  })

  it('writes one set per event when fused, and one per stage and event when split', async () => {
    const events = sent().length - 1
    const fused = await told('fused')
    expect(fused.sets).toHaveLength(events)
    const split = await told('split')
    expect(split.sets.length).toBeGreaterThan(events * 3)
  })

  it('ends every event: dispatched, or dropped with a reason', async () => {
    const { sets } = await told('fused')
    for (const { decisions, eventId } of sets) {
      const ends = decisions.filter(({ verdict }) => verdict !== 'pass')
      expect(ends.length, eventId).toBeGreaterThan(0)
    }
    expect(new Set(sets.map(({ eventId }) => eventId)).size).toBe(sent().length - 1)
  })

  it('keeps the bytes, knows where they lie and keeps the trace', async () => {
    const { dispatches, dispatchRecords } = await told('split')
    const raws = new Map(sent().map((event) => [event.id, event.raw]))
    for (const { event } of dispatches.values()) {
      expect(event.raw).toEqual(raws.get(event.id))
      expect(event.origin).toMatchObject({ topic: 'received' })
    }
    const [origin] = await stored('received')
    expect(origin).toBeDefined()
    for (const { headers } of dispatchRecords) {
      expect(headers.traceparent?.split('-')[1]).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
      expect(headers.traceparent).not.toBe(traceparent)
      expect(headers.tracestate).toBe('a=b')
      expect(headers).toMatchObject({ id: expect.any(String), tenant: expect.any(String) })
      expect(headers).not.toHaveProperty('run')
    }
  })

  it('replays as a run of its own, past the claims of what was live', async () => {
    await log.append(received())
    chain = await start('fused')
    await drained(chain)
    const live = await valuesOf('dispatch', 'dispatch')
    await log.append(received('replay-1'))
    await drained(chain)
    const both = await valuesOf('dispatch', 'dispatch')
    const replayed = both.filter(({ run }) => run === 'replay-1')
    expect(replayed.map(({ id }) => id).sort()).toEqual(live.map(({ id }) => id).sort())
    const sets = await valuesOf('decisions', 'decisions')
    const ids = sets.flatMap(({ decisions }) => decisions.map(({ id }) => id))
    expect(new Set(ids).size).toBe(ids.length)
    for (const { headers } of (await stored('dispatch')).filter(({ headers }) => headers.run))
      expect(headers.run).toBe('replay-1')
  })
})
