import { makeEvent } from '../make.ts'
import type { Dead, Decision, DecisionSet, Dispatch, Event } from '../types.ts'
import type { RecordKind, RecordKinds, RegistryRecord } from './index.ts'

/** What Avro holds where the domain says "absent" (`undefined`) or JSON values. */
type Nullable<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: Exclude<T[P], undefined> | null }
type Optional<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T]
type Flat<T, Json extends keyof T = never> = Omit<Nullable<T, Optional<T>>, Json> & {
  [K in Json]: string
}

type AvroEvent = Omit<Flat<Event, 'facts'>, 'data' | 'raw' | 'verification'> & {
  raw: Buffer
  verification: Flat<Event['verification']>
}
type AvroDispatch = Omit<Flat<Dispatch>, 'event'> & { event: AvroEvent }
type AvroDecision = Flat<Decision, 'details'>
type AvroDecisionSet = Omit<DecisionSet, 'decisions'> & { decisions: readonly AvroDecision[] }
type AvroDead = Omit<Flat<Dead>, 'original'> & { original: Buffer }

export interface AvroKinds {
  event: AvroEvent
  dispatch: AvroDispatch
  decisions: AvroDecisionSet
  dead: AvroDead
  registry: RegistryRecord
}

/** To and from the values that avsc writes and reads. */
export type Shape<K extends RecordKind> = {
  toAvro(value: RecordKinds[K]): AvroKinds[K]
  fromAvro(value: AvroKinds[K]): RecordKinds[K]
}

const buffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

// A plain view: a Buffer says other things when it is compared or written as JSON.
const plain = (bytes: Buffer): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)

type JsonObject = Readonly<Record<string, unknown>>

const toJson = (value: JsonObject): string => {
  for (const _ in value) return JSON.stringify(value)
  return '{}'
}

const fromJson = (json: string): JsonObject => {
  if (json === '{}') return {}
  const value: unknown = JSON.parse(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('a JSON field is not an object')
  return value as JsonObject
}

// Optional fields are absent rather than `undefined`, so that what is read equals what was written.
const present = <T extends object>(values: { [K in keyof T]: T[K] | null }): Partial<T> => {
  const result: Partial<T> = {}
  for (const key in values) {
    const value = values[key]
    if (value !== null) result[key] = value
  }
  return result
}

const event: Shape<'event'> = {
  toAvro: (value) => ({
    id: value.id,
    tenant: value.tenant,
    source: value.source,
    provider: value.provider,
    type: value.type,
    key: value.key,
    dedupeKey: value.dedupeKey,
    dedupeWindowMs: value.dedupeWindowMs,
    deliveryId: value.deliveryId ?? null,
    receivedAt: value.receivedAt,
    contentType: value.contentType,
    headers: value.headers,
    raw: buffer(value.raw),
    facts: toJson(value.facts),
    verification: {
      scheme: value.verification.scheme,
      bodyCovered: value.verification.bodyCovered,
      idCovered: value.verification.idCovered,
      secretIndex: value.verification.secretIndex ?? null,
    },
    traceparent: value.traceparent ?? null,
    tracestate: value.tracestate ?? null,
    origin: value.origin ?? null,
  }),
  fromAvro: (value) =>
    makeEvent({
      id: value.id,
      tenant: value.tenant,
      source: value.source,
      provider: value.provider,
      type: value.type,
      key: value.key,
      dedupeKey: value.dedupeKey,
      dedupeWindowMs: value.dedupeWindowMs,
      deliveryId: value.deliveryId ?? undefined,
      receivedAt: value.receivedAt,
      contentType: value.contentType,
      headers: value.headers,
      raw: plain(value.raw),
      facts: fromJson(value.facts),
      verification: {
        scheme: value.verification.scheme,
        bodyCovered: value.verification.bodyCovered,
        idCovered: value.verification.idCovered,
        ...present({ secretIndex: value.verification.secretIndex }),
      },
      traceparent: value.traceparent ?? undefined,
      tracestate: value.tracestate ?? undefined,
      origin:
        value.origin === null
          ? undefined
          : {
              topic: value.origin.topic,
              partition: value.origin.partition,
              offset: value.origin.offset,
            },
    }),
}

const dispatch: Shape<'dispatch'> = {
  toAvro: (value) => ({
    id: value.id,
    event: event.toAvro(value.event),
    destination: value.destination,
    route: value.route,
    revision: value.revision,
    transform: value.transform ?? null,
    key: value.key,
    run: value.run,
    attempt: value.attempt,
    createdAt: value.createdAt,
    notBefore: value.notBefore,
  }),
  fromAvro: (value) => ({
    id: value.id,
    event: event.fromAvro(value.event),
    destination: value.destination,
    route: value.route,
    revision: value.revision,
    ...present({ transform: value.transform }),
    key: value.key,
    run: value.run,
    attempt: value.attempt,
    createdAt: value.createdAt,
    notBefore: value.notBefore,
  }),
}

const decisionToAvro = (value: Decision): AvroDecision => ({
  id: value.id,
  stage: value.stage,
  verdict: value.verdict,
  reason: value.reason,
  score: value.score ?? null,
  model: value.model ?? null,
  route: value.route ?? null,
  destination: value.destination ?? null,
  dispatchId: value.dispatchId ?? null,
  attempt: value.attempt ?? null,
  at: value.at,
  tookMs: value.tookMs,
  details: toJson(value.details),
})

const decisionFromAvro = (value: AvroDecision): Decision => ({
  id: value.id,
  stage: value.stage,
  verdict: value.verdict,
  reason: value.reason,
  ...present({
    score: value.score,
    model: value.model,
    route: value.route,
    destination: value.destination,
    dispatchId: value.dispatchId,
    attempt: value.attempt,
  }),
  at: value.at,
  tookMs: value.tookMs,
  details: fromJson(value.details),
})

const decisions: Shape<'decisions'> = {
  toAvro: (value) => ({ ...value, decisions: value.decisions.map(decisionToAvro) }),
  fromAvro: (value) => ({
    tenant: value.tenant,
    source: value.source,
    eventId: value.eventId,
    type: value.type,
    receivedAt: value.receivedAt,
    run: value.run,
    decisions: value.decisions.map(decisionFromAvro),
  }),
}

const dead: Shape<'dead'> = {
  toAvro: (value) => ({
    id: value.id,
    tenant: value.tenant,
    source: value.source,
    eventId: value.eventId,
    dispatchId: value.dispatchId ?? null,
    destination: value.destination ?? null,
    stage: value.stage,
    code: value.code,
    message: value.message,
    at: value.at,
    origin: value.origin,
    originHeaders: value.originHeaders,
    original: buffer(value.original),
  }),
  fromAvro: (value) => ({
    id: value.id,
    tenant: value.tenant,
    source: value.source,
    eventId: value.eventId,
    ...present({ dispatchId: value.dispatchId, destination: value.destination }),
    stage: value.stage,
    code: value.code,
    message: value.message,
    at: value.at,
    origin: {
      topic: value.origin.topic,
      partition: value.origin.partition,
      offset: value.origin.offset,
    },
    originHeaders: value.originHeaders,
    original: plain(value.original),
  }),
}

const registry: Shape<'registry'> = {
  toAvro: (value) => value,
  fromAvro: ({ kind, tenant, name, revision, spec }) => ({ kind, tenant, name, revision, spec }),
}

export const shapes: { readonly [K in RecordKind]: Shape<K> } = {
  event,
  dispatch,
  decisions,
  dead,
  registry,
}
