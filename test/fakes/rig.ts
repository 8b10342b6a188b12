import { createHash } from 'node:crypto'
import { type Delivery, type DeliveryOptions, startDelivery } from '../../connectors/deliver.ts'
import type { ConnectorContext } from '../../connectors/types.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { type Codec, createCodec } from '../../core/event/codec/index.ts'
import {
  type Dead,
  type Decision,
  type Dispatch,
  dispatchIdOf,
  type Event,
  type Hash,
} from '../../core/event/index.ts'
import { makeEvent } from '../../core/event/make.ts'
import type { Kv } from '../../core/kv/port.ts'
import { createLocalLog } from '../../core/log/local/index.ts'
import { createMemoryDisk, createMemoryLog } from '../../core/log/memory/index.ts'
import type { Log, StoredRecord } from '../../core/log/port.ts'
import { topicDefaults, topics } from '../../core/log/topics.ts'
import { createEgress, type Egress } from '../../core/net/index.ts'
import type { RegistryReader, Secrets } from '../../core/registry/port.ts'
import { snapshotOf } from '../../core/registry/snapshot.ts'
import type { Destination, Snapshot } from '../../core/registry/types.ts'
import { createMetrics, silentLogger } from '../../core/telemetry/index.ts'

export const hash: Hash = (data) => createHash('sha256').update(data).digest('hex')

let serial = 0

export const eventOf = (fields: Partial<Event> & { body?: unknown } = {}): Event => {
  serial += 1
  const { body = { action: 'completed', number: serial }, ...rest } = fields
  const id = `0192f0c1-0000-7000-8000-${String(serial).padStart(12, '0')}`
  return makeEvent({
    id,
    tenant: 'acme',
    source: 'github',
    provider: 'github',
    type: 'check_run.completed',
    key: 'acme/github',
    dedupeKey: id,
    dedupeWindowMs: 60_000,
    receivedAt: Date.now(),
    contentType: 'application/json',
    headers: { 'x-github-event': 'check_run' },
    raw: new TextEncoder().encode(JSON.stringify(body)),
    facts: {},
    verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
    ...rest,
  })
}

export const dispatchOf = (destination: string, fields: Partial<Dispatch> = {}): Dispatch => {
  const event = fields.event ?? eventOf()
  const id = dispatchIdOf(hash, event, destination)
  return {
    id,
    event,
    destination,
    route: 'all',
    revision: 'r1',
    key: id,
    run: 'live',
    attempt: 0,
    createdAt: Date.now(),
    notBefore: 0,
    ...fields,
  }
}

export const destinationOf = (fields: Partial<Destination> = {}): Destination => ({
  tenant: 'acme',
  name: 'hooks',
  connector: 'webhook',
  config: {},
  secrets: {},
  retry: { attempts: 4, delaysMs: [20, 40, 60] },
  ordered: false,
  allowPrivate: true,
  disabled: false,
  ...fields,
})

/** A registry that the test switches. */
export const registryOf = (
  destinations: readonly Destination[],
): RegistryReader & { set(destinations: readonly Destination[]): void } => {
  const snapshot = (list: readonly Destination[]): Snapshot =>
    snapshotOf(
      list.map((spec) => ({ kind: 'destination', spec })),
      Date.now(),
    )
  let current = snapshot(destinations)
  return {
    snapshot: () => current,
    ready: async () => {},
    caughtUp: () => true,
    onChange: () => () => {},
    close: async () => {},
    set(list) {
      current = snapshot(list)
    },
  }
}

export const secretsOf = (values: Readonly<Record<string, string>>): Secrets => ({
  async resolve(_tenant, ref) {
    const value = values[ref]
    if (value === undefined) {
      throw new ZenhookError('ZENHOOK_REGISTRY_SECRET_MISSING', { message: `${ref} is not set` })
    }
    return value
  },
})

/** A context for a connector alone. */
export const contextOf = (
  destination: Destination,
  egress: Egress,
  kv: Kv,
  secrets: Readonly<Record<string, readonly string[]>> = {},
): ConnectorContext => ({
  destination,
  secrets: async (role) => secrets[role] ?? [],
  egress,
  kv,
  now: Date.now,
  hash,
  timeoutMs: 2_000,
})

export const until = async (
  condition: () => boolean | Promise<boolean>,
  what = 'the condition',
  timeoutMs = 10_000,
): Promise<void> => {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about in ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

export interface Rig {
  log: Log
  kv: Kv
  codec: Codec
  egress: Egress
  registry: ReturnType<typeof registryOf>
  start(options?: Partial<DeliveryOptions>): Promise<Delivery>
  send(dispatches: readonly Dispatch[]): Promise<void>
  decisions(): Promise<Decision[]>
  dead(): Promise<Dead[]>
  /** Records of `dispatch` that the group has not settled. */
  behind(): Promise<number>
  close(): Promise<void>
}

/** A log that delays nothing by itself, as Kafka does not. */
const tieredLog = (): Log =>
  createLocalLog({
    store: createMemoryDisk().mount(),
    capabilities: {
      atomicSettle: true,
      multiProcess: false,
      survivesRestart: false,
      delayedRecords: false,
    },
  })

export interface RigOptions {
  partitions?: number
  /** A log without delays of its own. */
  tiers?: boolean
  /** Largest record by topic. */
  limits?: Readonly<Record<string, number>>
}

/** Delivery over a log in memory, real HTTP on loopback, and a registry that the test owns. */
export const createRig = async (
  destinations: readonly Destination[],
  kv: Kv,
  secrets: Readonly<Record<string, string>> = {},
  { partitions = 2, tiers = false, limits = {} }: RigOptions = {},
): Promise<Rig> => {
  const log = tiers ? tieredLog() : createMemoryLog()
  await log.ensureTopics(
    topics({ ...topicDefaults, partitions }).map((spec) => ({
      ...spec,
      maxMessageBytes: limits[spec.name] ?? spec.maxMessageBytes,
    })),
  )
  const codec = await createCodec({ schemas: await createFileSchemas() })
  const egress = createEgress({ grants: ['127.0.0.0/8'] })
  const registry = registryOf(destinations)
  const running: Delivery[] = []

  const all = async (topic: string): Promise<StoredRecord[]> => {
    const records: StoredRecord[] = []
    for (const { partition, first } of await log.ends(topic)) {
      for await (const record of log.read({ topic, partition, offset: first })) records.push(record)
    }
    return records
  }
  const bytes = (value: Uint8Array | null): Uint8Array => value ?? new Uint8Array()

  return {
    ...{ log, kv, codec, egress, registry },
    async start(options = {}) {
      const delivery = await startDelivery({
        ...{ log, kv, codec, egress, registry, hash },
        secrets: secretsOf(secrets),
        metrics: createMetrics(),
        logger: silentLogger,
        ...options,
      })
      running.push(delivery)
      await delivery.ready()
      return delivery
    },
    async send(dispatches) {
      await log.append(
        dispatches.map((dispatch) => ({
          topic: 'dispatch',
          key: dispatch.key,
          value: codec.encode('dispatch', dispatch),
          headers: { id: dispatch.event.id },
        })),
      )
    },
    async decisions() {
      const sets = await Promise.all(
        (await all('decisions')).map(({ value }) => codec.decode('decisions', bytes(value))),
      )
      return sets.flatMap((set) => set.decisions)
    },
    async dead() {
      return Promise.all((await all('dead')).map(({ value }) => codec.decode('dead', bytes(value))))
    },
    async behind() {
      const lags = await log.lag('connectors')
      return lags.reduce((sum, { records }) => sum + records, 0)
    },
    async close() {
      for (const delivery of running) await delivery.close()
      await egress.close()
      await log.close()
    },
  }
}

/** Keyed state in a map: what delivery needs of it, with a switch to take it away. */
export const mapKv = (
  multiProcess = false,
): Kv & { away: boolean; readonly values: Map<string, string> } => {
  const values = new Map<string, string>()
  const counters = new Map<string, number>()
  const kv = {
    capabilities: { multiProcess, survivesRestart: false },
    away: false,
    values,
    async claim() {
      throw new Error('delivery claims nothing')
    },
    async get(keys: readonly string[]) {
      reach()
      return keys.map((key) => values.get(key))
    },
    async set(entries: readonly { key: string; value: string }[]) {
      reach()
      for (const { key, value } of entries) values.set(key, value)
    },
    async replace(
      entries: readonly { key: string; value: string; expected: string | undefined }[],
    ) {
      reach()
      return entries.map(({ key, value, expected }) => {
        if (values.get(key) !== expected) return false
        values.set(key, value)
        return true
      })
    },
    async delete(keys: readonly string[]) {
      reach()
      for (const key of keys) values.delete(key)
    },
    async add(key: string, by: number) {
      reach()
      const sum = (counters.get(key) ?? 0) + by
      counters.set(key, sum)
      return sum
    },
    async ping() {
      reach()
    },
    async close() {},
  }
  const reach = (): void => {
    if (kv.away) throw new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true })
  }
  return kv
}
