import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { type Event, type EventFields, type Hash, makeEvent } from '../core/event/index.ts'
import { createMemoryKv } from '../core/kv/memory/index.ts'
import type { AnyObject } from '../core/registry/port.ts'
import { snapshotOf } from '../core/registry/snapshot.ts'
import type { Destination, Route, Snapshot } from '../core/registry/types.ts'
import type { Item, StageContext } from '../core/stage/types.ts'

/** What tests of stages share: events, registries and a context, all with plain defaults. */

export const sha256: Hash = (data) => createHash('sha256').update(data).digest('hex')

const bytes = new TextEncoder()

export const eventOf = (fields: Partial<EventFields> & { body?: unknown } = {}): Event => {
  const { body = {}, ...rest } = fields
  return makeEvent({
    id: '01920000-0000-7000-8000-000000000001',
    tenant: 'acme',
    source: 'hook',
    provider: 'github',
    type: 'check_run.completed',
    key: 'acme/hook',
    dedupeKey: 'delivery-1',
    dedupeWindowMs: 60_000,
    receivedAt: 1_760_000_000_000,
    contentType: 'application/json',
    headers: {},
    raw: bytes.encode(JSON.stringify(body)),
    facts: {},
    verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
    ...rest,
  })
}

export const itemOf = (event: Event, offset = 0, run = 'live'): Item => ({
  event,
  position: { topic: 'received', partition: 0, offset },
  run,
})

export const routeOf = (fields: Partial<Route> & { name: string }): AnyObject => ({
  kind: 'route',
  spec: {
    tenant: 'acme',
    index: 0,
    when: 'true',
    to: ['archive'],
    stop: false,
    default: false,
    ...fields,
  },
})

export const destinationOf = (fields: Partial<Destination> & { name: string }): AnyObject => ({
  kind: 'destination',
  spec: {
    tenant: 'acme',
    connector: 'bin',
    config: {},
    secrets: {},
    retry: { attempts: 1, delaysMs: [] },
    ordered: false,
    allowPrivate: false,
    disabled: false,
    ...fields,
  },
})

export const registryOf = (...objects: readonly AnyObject[]): Snapshot => snapshotOf(objects, 1)

/** Numbers its routes as they come. */
export const routesOf = (...routes: readonly (Partial<Route> & { name: string })[]) =>
  routes.map((route, index) => routeOf({ index, ...route }))

export interface TestContext extends StageContext {
  snapshot: Snapshot
  time: number
}

export const contextOf = (snapshot: Snapshot = registryOf()): TestContext => {
  const context: TestContext = {
    snapshot,
    time: 1_760_000_000_500,
    now: () => context.time,
    hash: sha256,
    kv: createMemoryKv(),
    registry: () => context.snapshot,
  }
  return context
}

export const never = new AbortController().signal

const folder = new URL('../../shared/payloads/', import.meta.url)

export interface Sample {
  file: string
  provider: string
  event: string
  raw: Uint8Array
  contentType: string
}

/** Real bodies of providers; none where the folder is absent, which the caller prints. */
export const samples = (): readonly Sample[] => {
  if (!existsSync(new URL('index.json', folder))) return []
  const index: unknown = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'))
  if (typeof index !== 'object' || index === null || !('payloads' in index)) return []
  const { payloads } = index
  return Array.isArray(payloads) ? payloads.map(sampleOf) : []
}

const sampleOf = (entry: { file: string; provider: string; event: string }): Sample => ({
  file: entry.file,
  provider: entry.provider,
  event: entry.event,
  raw: new Uint8Array(readFileSync(new URL(entry.file, folder))),
  contentType: entry.file.endsWith('.txt')
    ? 'application/x-www-form-urlencoded'
    : 'application/json',
})

export const samplesMissing = 'the folder of sample payloads is absent'

export const sampleEvent = (sample: Sample, fields: Partial<EventFields> = {}): Event =>
  eventOf({
    provider: sample.provider,
    source: sample.provider,
    type: sample.event,
    raw: sample.raw,
    contentType: sample.contentType,
    ...fields,
  })
