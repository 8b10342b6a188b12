import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { defineConnector } from '../../../connectors/define.ts'
import { type DeliveryOptions, startDelivery } from '../../../connectors/deliver.ts'
import type { AttemptResult } from '../../../connectors/types.ts'
import { createUuidV7 } from '../../../ingress/index.ts'
import { createStages } from '../../../processors/index.ts'
import type { Decisions } from '../../decisions/port.ts'
import { startSink } from '../../decisions/sink.ts'
import { createFileSchemas } from '../../event/codec/files/index.ts'
import { type Codec, createCodec } from '../../event/codec/index.ts'
import { type Event, type Hash, makeEvent } from '../../event/index.ts'
import type { Kv } from '../../kv/port.ts'
import type { Batch, Log, NewRecord } from '../../log/port.ts'
import { topicDefaults, topics } from '../../log/topics.ts'
import { createEgress } from '../../net/index.ts'
import type { RegistryReader } from '../../registry/port.ts'
import { snapshotOf } from '../../registry/snapshot.ts'
import type { Destination, Route } from '../../registry/types.ts'
import { startChain } from '../../stage/runner.ts'
import { describeChain } from '../../stage/topology.ts'
import { createMetrics, type Logger, type Metrics, silentLogger } from '../../telemetry/index.ts'
import { type AccountingOptions, flowOf, startAccounting } from '../index.ts'

export const hash: Hash = (data) => createHash('sha256').update(data).digest('hex')
export const codec: Codec = await createCodec({ schemas: await createFileSchemas() })

const mintId = createUuidV7()

export const eventOf = (fields: Partial<Event> = {}): Event => {
  const id = mintId()
  return makeEvent({
    id,
    tenant: 'acme',
    source: 'hook',
    provider: 'token',
    type: 'note',
    key: id,
    dedupeKey: id,
    dedupeWindowMs: 60_000,
    receivedAt: Date.now(),
    contentType: 'application/json',
    headers: {},
    raw: new TextEncoder().encode('{"a":1}'),
    facts: {},
    verification: { scheme: 'token', bodyCovered: false, idCovered: false },
    ...fields,
  })
}

export const receivedOf = (event: Event, headers: Record<string, string> = {}): NewRecord => ({
  topic: 'received',
  key: event.key,
  value: codec.encode('event', event),
  timestamp: event.receivedAt,
  headers: {
    id: event.id,
    type: event.type,
    tenant: event.tenant,
    source: event.source,
    ...headers,
  },
})

/** The same log, but that what `drop` names is acknowledged and never kept. */
export const lossy = (log: Log, drop: (record: NewRecord) => boolean): Log => {
  const kept = (records: readonly NewRecord[]): NewRecord[] =>
    records.filter((record) => !drop(record))
  return {
    ...log,
    async append(records) {
      const left = kept(records)
      const positions = await log.append(left)
      return records.map(
        (record) =>
          positions[left.indexOf(record)] ?? { topic: record.topic, partition: 0, offset: 0 },
      )
    },
    subscribe: (options, onBatch) =>
      log.subscribe(options, (batch: Batch) =>
        onBatch({
          topic: batch.topic,
          partition: batch.partition,
          records: batch.records,
          signal: batch.signal,
          settle: (through, outputs = []) => batch.settle(through, kept(outputs)),
        }),
      ),
  }
}

const destinationOf = (name: string, fields: Partial<Destination> = {}): Destination => ({
  tenant: 'acme',
  name,
  connector: 'test',
  config: {},
  secrets: {},
  retry: { attempts: 3, delaysMs: [30, 60] },
  ordered: false,
  allowPrivate: false,
  disabled: false,
  ...fields,
})

const routeOf = (name: string, index: number, fields: Partial<Route>): Route => ({
  tenant: 'acme',
  name,
  index,
  when: 'true',
  to: [],
  stop: false,
  default: false,
  ...fields,
})

/**
 * `note` goes to `one`, `both` to `one` and `two`, `slow` to `slow` whose retries are an hour apart, and
 * everything else has no route.
 */
const registry = (): RegistryReader => {
  const snapshot = snapshotOf(
    [
      ...['one', 'two'].map((name) => ({
        kind: 'destination' as const,
        spec: destinationOf(name),
      })),
      {
        kind: 'destination',
        spec: destinationOf('slow', { retry: { attempts: 3, delaysMs: [3_600_000, 3_600_000] } }),
      },
      {
        kind: 'route',
        spec: routeOf('ones', 0, {
          when: 'event.type == "note" || event.type == "both"',
          to: ['one'],
        }),
      },
      { kind: 'route', spec: routeOf('twos', 1, { when: 'event.type == "both"', to: ['two'] }) },
      { kind: 'route', spec: routeOf('slows', 2, { when: 'event.type == "slow"', to: ['slow'] }) },
    ],
    Date.now(),
  )
  return {
    snapshot: () => snapshot,
    ready: async () => undefined,
    caughtUp: () => true,
    onChange: () => () => undefined,
    close: async () => undefined,
  }
}

export interface RigOptions {
  log: Log
  kv: Kv
  decisions: Decisions
  chain?: 'fused' | 'split'
  drop?: (record: NewRecord) => boolean
  /** How an attempt ends; delivered by default. */
  answer?: (destination: string, event: Event) => AttemptResult
  delivery?: Partial<DeliveryOptions>
  logger?: Logger
}

/** Everything behind the ingress over one log, with real stages, delivery and sink. */
export const startRig = async (options: RigOptions) => {
  const { kv, decisions, chain = 'fused', logger = silentLogger } = options
  const log = lossy(options.log, options.drop ?? (() => false))
  await log.ensureTopics(topics({ ...topicDefaults, partitions: 3 }))
  const metrics = createMetrics()
  const reader = registry()
  const egress = createEgress()
  const kind = defineConnector(
    {
      name: 'test',
      kind: 'connector',
      summary: 'Ends as the test says',
      status: 'stable',
      config: z.strictObject({}),
      reasons: {},
      examples: [],
    },
    (_config, { destination }) => ({
      deliver: async ({ dispatch }) =>
        options.answer?.(destination.name, dispatch.event) ?? { kind: 'delivered', status: 200 },
    }),
  )
  const context = { now: Date.now, hash, kv, registry: () => reader.snapshot() }
  const sink = await startSink({
    log,
    codec,
    decisions,
    metrics,
    logger,
    now: Date.now,
    batch: { ms: 20 },
  })
  const delivery = await startDelivery({
    ...{ log, codec, kv, egress, hash, metrics, logger },
    registry: reader,
    secrets: { resolve: async () => '' },
    connectors: [kind],
    ...options.delivery,
  })
  const processors = await startChain({
    ...{ log, codec, chain, context, metrics, logger },
    stages: createStages(context),
  })
  await Promise.all([sink.ready(), delivery.ready(), processors.ready()])
  return {
    log,
    metrics,
    flow: flowOf([describeChain('fused').links, describeChain('split').links], log.capabilities),
    async receive(...events: readonly Event[]): Promise<void> {
      for (let at = 0; at < events.length; at += 500)
        await log.append(events.slice(at, at + 500).map((event) => receivedOf(event)))
    },
    async close(): Promise<void> {
      await processors.close()
      await delivery.close()
      await sink.close()
      await egress.close()
    },
  }
}

export type AccountingRig = Awaited<ReturnType<typeof startRig>>

/** Accounting over a rig; it runs when it is told to. */
export const accountingOf = (
  rig: AccountingRig,
  {
    kv,
    decisions,
    ...over
  }: Pick<AccountingOptions, 'kv' | 'decisions'> &
    Partial<AccountingOptions> & { metrics?: Metrics },
) =>
  startAccounting({
    log: rig.log,
    codec,
    decisions,
    kv,
    flow: rig.flow,
    metrics: rig.metrics,
    logger: silentLogger,
    owner: randomUUID(),
    now: Date.now,
    intervalMs: 3_600_000,
    graceMs: 0,
    patienceMs: 30_000,
    ...over,
  })

export const many = (count: number, type: string) =>
  Array.from({ length: count }, () => eventOf({ type }))

export const refused = (retriable: boolean): AttemptResult => ({
  kind: 'failed',
  reason: 'http_500',
  status: 500,
  retriable,
  error: 'no',
})

/** Drops the first record that the test names; says which event's it was. */
export const dropping = (which: (record: NewRecord) => boolean) => {
  let lost: string | undefined
  return {
    drop: (record: NewRecord): boolean => {
      if (lost !== undefined || !which(record)) return false
      lost = record.headers?.id
      return true
    },
    lost: () => lost,
  }
}

/** Sends the first dispatch of the log again, as a replay does. */
export const replayed = async ({ log }: AccountingRig, run: string): Promise<void> => {
  for (const { partition, first, next } of await log.ends('dispatch')) {
    if (next === first) continue
    for await (const { key, headers, value } of log.read(
      { topic: 'dispatch', partition, offset: first },
      first + 1,
    )) {
      const dispatch = await codec.decode('dispatch', value ?? new Uint8Array())
      await log.append([
        {
          ...{ topic: 'dispatch', key, headers: { ...headers, run } },
          value: codec.encode('dispatch', { ...dispatch, run }),
        },
      ])
    }
  }
}
