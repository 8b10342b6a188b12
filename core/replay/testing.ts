import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { createStages } from '../../processors/index.ts'
import { destinationOf, routesOf } from '../../processors/testing.ts'
import { createChdbDecisions } from '../decisions/chdb/index.ts'
import { startSink } from '../decisions/sink.ts'
import { ZenhookError } from '../errors/index.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { createCodec } from '../event/codec/index.ts'
import {
  type Dead,
  type DecisionSet,
  type Dispatch,
  type Event,
  type EventFields,
  type Hash,
  makeEvent,
} from '../event/index.ts'
import { createMemoryKv } from '../kv/memory/index.ts'
import type { Kv } from '../kv/port.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import type { Log, NewRecord, StoredRecord } from '../log/port.ts'
import { topics } from '../log/topics.ts'
import { snapshotOf } from '../registry/snapshot.ts'
import type { Snapshot } from '../registry/types.ts'
import { type Chain, startChain } from '../stage/runner.ts'
import { createMetrics, silentLogger } from '../telemetry/index.ts'
import {
  createReplays,
  type EventReplay,
  type KnownDispatch,
  type Replay,
  type ReplayContext,
  type Replays,
  type ReplaysOptions,
} from './index.ts'

export const hash: Hash = (data) => createHash('sha256').update(data).digest('hex')

const bytes = new TextEncoder()
const start = Date.UTC(2026, 2, 1)

/** The whole chain over engines in memory, with chdb; who delivers is played by the test. */
export const createRig = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-replays-'))
  const decisions = await createChdbDecisions({ folder })
  await decisions.ensureTables()
  const codec = await createCodec({ schemas: await createFileSchemas() })
  const memory = createMemoryLog()
  await memory.ensureTopics(topics())
  const gone = new Set<string>()
  /** A log that has forgotten what the test says. */
  const log: Log = {
    ...memory,
    async *read(from, to, signal) {
      for await (const record of memory.read(from, to, signal))
        if (!gone.has(`${record.topic}/${record.partition}/${record.offset}`)) yield record
    },
  }
  const kv: Kv = createMemoryKv()
  let snapshot: Snapshot = snapshotOf(
    [
      ...['archive', 'other'].map((name) => destinationOf({ name })),
      ...routesOf({ name: 'all', to: ['archive'] }),
    ],
    1,
  )
  const known = new Map<string, KnownDispatch>()
  const registry = () => snapshot
  const context: ReplayContext = {
    ...{ log, kv, codec, decisions, hash, registry },
    now: Date.now,
    random: (digits) => randomBytes(digits).toString('hex').slice(0, digits),
    stagesOver: (claims) =>
      createStages({ now: Date.now, hash, kv: { ...kv, ...claims }, registry }),
    known: async (ids) => ids.map((id) => known.get(id)),
    metrics: undefined,
    logger: silentLogger,
  }
  const metrics = createMetrics()
  const sink = await startSink({
    ...{ log, codec, decisions, metrics },
    logger: silentLogger,
    now: Date.now,
    batch: { ms: 10 },
  })
  const chain: Chain = await startChain({
    ...{ log, codec },
    stages: context.stagesOver(kv),
    chain: 'fused',
    context: { now: Date.now, hash },
  })
  await Promise.all([sink.ready(), chain.ready()])
  const closers: (() => Promise<unknown>)[] = []
  /** Ends every runner that the test has started. */
  const rest = async (): Promise<void> => {
    await Promise.all(closers.splice(0).map((close) => close()))
  }
  let serial = 0

  const all = async (topic: string): Promise<StoredRecord[]> => {
    const records: StoredRecord[] = []
    for (const { partition, first } of await log.ends(topic))
      for await (const record of log.read({ topic, partition, offset: first })) records.push(record)
    return records
  }
  const decoded = async <K extends 'decisions' | 'dispatch' | 'dead'>(kind: K) =>
    Promise.all(
      (await all(kind)).map(async (record) => ({
        record,
        value: await codec.decode(kind, record.value ?? new Uint8Array()),
      })),
    )

  return {
    ...{ context, log, kv, codec, known, gone },
    replays(over: Partial<ReplaysOptions> & { kv?: Kv; log?: Log } = {}) {
      const { kv: store = kv, log: other = log, ...options } = over
      const made = createReplays({
        context: { ...context, kv: store, log: other },
        pollMs: 20,
        ...options,
      })
      closers.push(() => made.close())
      return made
    },
    setRegistry(objects: Parameters<typeof snapshotOf>[0]) {
      snapshot = snapshotOf(objects, 2)
    },
    event(fields: Partial<EventFields> = {}): Event {
      serial += 1
      const id = `01959000-0000-7000-8000-${String(serial).padStart(12, '0')}`
      return makeEvent({
        id,
        tenant: 'acme',
        source: 'hook',
        provider: 'github',
        type: 'push',
        key: id,
        dedupeKey: id,
        dedupeWindowMs: 60_000,
        receivedAt: start + serial,
        contentType: 'application/json',
        headers: {},
        raw: bytes.encode(`{"n": ${serial}.0}`),
        facts: {},
        verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
        ...fields,
      })
    },
    /** Appends events as ingress does, and waits until they went through the chain into the tables. */
    async receive(events: readonly Event[]) {
      const positions = await log.append(
        events.map((event) => ({
          topic: 'received',
          key: event.key,
          value: codec.encode('event', event),
          headers: {
            id: event.id,
            type: event.type,
            tenant: event.tenant,
            source: event.source,
          },
        })),
      )
      const behind = async (): Promise<number> => {
        const lags = await Promise.all(['chain', 'sink'].map((group) => log.lag(group)))
        return lags.flat().reduce((sum, { records }) => sum + records, 0)
      }
      await vi.waitFor(
        async () => {
          if ((await behind()) > 0) throw new Error('records wait')
        },
        { timeout: 30_000, interval: 20 },
      )
      return positions
    },
    /** The connectors' part: its destination has it, or it was tried at least. */
    deliver(dispatch: Dispatch, record: StoredRecord, delivered = true) {
      const { topic, partition, offset } = record
      known.set(dispatch.id, {
        delivered,
        run: dispatch.run,
        position: { topic, partition, offset },
      })
    },
    dispatches: async () =>
      (await decoded('dispatch')).map(({ record, value }) => ({
        record,
        dispatch: value as Dispatch,
      })),
    decisions: async (run: string) =>
      (await decoded('decisions'))
        .map(({ value }) => value as DecisionSet)
        .filter((set) => set.run === run)
        .flatMap(({ eventId, decisions: made }) => made.map((one) => ({ eventId, ...one }))),
    dead: async () => (await decoded('dead')).map(({ value }) => value as Dead),
    rest,
    async close() {
      await rest()
      await chain.close()
      await sink.close()
      await decisions.close()
      await log.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type Rig = Awaited<ReturnType<typeof createRig>>

/** More than a log that is `refusing` takes. */
export const large = bytes.encode(`{"text": "${'x'.repeat(1_000)}"}`)

/** The same log, but that a topic refuses what a large event comes to there, alone as brokers do: the others are in. */
export const refusing = (log: Log, eventId: string, refused = 'dispatch'): Log => ({
  ...log,
  async append(records) {
    const isTooLarge = ({ topic, headers, value }: NewRecord): boolean =>
      topic === refused && headers?.id === eventId && (value?.length ?? 0) > 1_000
    const positions = await log.append(records.filter((record) => !isTooLarge(record)))
    if (positions.length < records.length)
      throw new ZenhookError('ZENHOOK_LOG_RECORD_TOO_LARGE', { message: 'too large' })
    return positions
  },
})

export const admin = { name: 'admin' }
/** A replay of events from the start, without a filter. */
export const eventReplay = (over: Partial<EventReplay>): EventReplay => ({
  ...{ kind: 'events', filter: {}, from: 'start', rate: 1_000, force: false },
  ...over,
})
export const ended = (replays: Replays, id: string): Promise<Replay> =>
  vi.waitFor(
    async () => {
      const found = await replays.get(id, admin)
      if (found.state !== 'done') throw new Error(`${found.state} ${found.error ?? ''}`)
      return found
    },
    { timeout: 30_000, interval: 20 },
  )
