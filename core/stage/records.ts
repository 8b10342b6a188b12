import { type ErrorCode, isZenhookError, messageOf } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import {
  type Dead,
  type Decision,
  type DecisionSet,
  type Dispatch,
  decisionIdOf,
  type Event,
  type Hash,
  type Position,
  timeOf,
} from '../event/index.ts'
import type { NewRecord, StoredRecord } from '../log/port.ts'
import { died } from './invoke.ts'
import type { Draft } from './types.ts'

export type RecordHeaders = Readonly<Record<string, string>>

/** What every record of an event carries, so that a consumer can filter and trace without decoding. */
export const headersOf = (
  hash: Hash,
  event: Event,
  run: string,
  record: Pick<StoredRecord, 'topic' | 'partition' | 'offset' | 'headers'>,
): RecordHeaders => {
  const { headers: from } = record
  const parent = from.traceparent ?? event.traceparent
  const traceparent = parent === undefined ? undefined : childOf(hash, parent, record)
  const tracestate = from.tracestate ?? event.tracestate
  return {
    id: event.id,
    type: event.type,
    tenant: event.tenant,
    source: event.source,
    ...(traceparent !== undefined && { traceparent }),
    ...(traceparent !== undefined && tracestate !== undefined && { tracestate }),
    ...(run !== liveRun && { run }),
  }
}

const parentPattern = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/

/** The same trace, with a span of this hop: made from the record's position, so that a redelivery is the same hop. */
const childOf = (
  hash: Hash,
  parent: string,
  { topic, partition, offset }: Position,
): string | undefined => {
  const [, traceId, spanId, flags] = parentPattern.exec(parent) ?? []
  if (traceId === undefined) return undefined
  const span = hash(`${traceId}${spanId}/${topic}/${partition}/${offset}`).slice(0, 16)
  return `00-${traceId}-${span}-${flags}`
}

export const liveRun = 'live'

export const eventRecord = (
  codec: Codec,
  topic: string,
  event: Event,
  headers: RecordHeaders,
): NewRecord => ({
  topic,
  key: event.key,
  value: codec.encode('event', event),
  owned: true,
  headers,
})

export const dispatchRecord = (
  codec: Codec,
  dispatch: Dispatch,
  headers: RecordHeaders,
): NewRecord => ({
  topic: 'dispatch',
  key: dispatch.key,
  value: codec.encode('dispatch', dispatch),
  owned: true,
  headers,
})

/** Whose decisions they are. */
type Whose = Pick<Event, 'id' | 'tenant' | 'source' | 'type' | 'receivedAt'>

/** Keyed by event, so that all that is decided about one lies in one partition, in order. */
export const decisionsRecord = (
  codec: Codec,
  event: Whose,
  run: string,
  decisions: readonly Decision[],
  headers: RecordHeaders,
): NewRecord => {
  const set: DecisionSet = {
    tenant: event.tenant,
    source: event.source,
    eventId: event.id,
    type: event.type,
    receivedAt: event.receivedAt,
    run,
    decisions,
  }
  return {
    topic: 'decisions',
    key: event.id,
    value: codec.encode('decisions', set),
    owned: true,
    headers,
  }
}

export interface Death {
  record: StoredRecord
  event?: Pick<Event, 'id' | 'tenant' | 'source'>
  stage: string
  error: unknown
  at: number
  /** Leaves the bytes where they lie: the letter only points to them. */
  withoutOriginal?: boolean
}

const nothing = new Uint8Array(0)
const longestMessage = 2_000

/** The dead letter of a record: its bytes, where it lay, and why it could not go on. */
export const deadRecord = (codec: Codec, hash: Hash, death: Death): NewRecord => {
  const { record, event, stage, error, at, withoutOriginal } = death
  const { topic, partition, offset } = record
  const dead: Dead = {
    id: hash(`${topic}/${partition}/${offset}`).slice(0, 40),
    tenant: event?.tenant ?? '',
    source: event?.source ?? '',
    eventId: event?.id ?? '',
    stage,
    code: codeOf(error),
    message: messageOf(error).slice(0, longestMessage),
    at,
    origin: { topic, partition, offset },
    originHeaders: record.headers,
    original: withoutOriginal ? nothing : (record.value ?? nothing),
  }
  return {
    topic: 'dead',
    key: record.key,
    value: codec.encode('dead', dead),
    headers: record.headers,
  }
}

/** The decision of a stage that ends an event's story. */
export const deathDecision = (
  codec: Codec,
  hash: Hash,
  whose: Whose,
  run: string,
  { stage, error, at }: Pick<Death, 'stage' | 'error' | 'at'>,
  headers: RecordHeaders,
): NewRecord => {
  const decisions = died(stage, error).decisions.map((draft) =>
    decisionOf(hash, whose, run, stage, draft, at, 0),
  )
  return decisionsRecord(codec, whose, run, decisions, headers)
}

/**
 * The decision that ends the story of a record whose value says nothing: by its headers, where they say whose it
 * is. A dispatch is left out: which of its event's it was only the value could tell.
 */
export const unreadDeath = (codec: Codec, hash: Hash, death: Death): readonly NewRecord[] => {
  const { headers, topic, timestamp } = death.record
  const { id, tenant, source, type, run = liveRun } = headers
  if (!id || !tenant || !source || !type || topic === 'dispatch') return []
  const whose = { id, tenant, source, type, receivedAt: timeOf(id) ?? timestamp }
  return [deathDecision(codec, hash, whose, run, death, headers)]
}

export const codeOf = (error: unknown): ErrorCode =>
  isZenhookError(error) ? error.code : 'ZENHOOK_STAGE_FAILED'

export const decisionOf = (
  hash: Hash,
  event: Pick<Event, 'id'>,
  run: string,
  stage: string,
  draft: Draft,
  at: number,
  tookMs: number,
): Decision => {
  const decision = { ...draft, id: '', stage, at, tookMs }
  decision.id = decisionIdOf(hash, event.id, decision, run)
  return decision
}
