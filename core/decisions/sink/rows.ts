import {
  type Decision,
  type DecisionSet,
  decisionIdOf,
  type Event,
  type Hash,
  type Position,
} from '../../event/index.ts'
import type { DecisionTable, Row } from '../port.ts'

export interface TableRow {
  table: DecisionTable
  row: Row
}

/** The row of `events`; the position is that of its record in `received`. */
export const eventRow = (event: Event, { topic, partition, offset }: Position): TableRow => ({
  table: 'events',
  row: {
    tenant: event.tenant,
    id: event.id,
    source: event.source,
    type: event.type,
    provider: event.provider,
    dedupe_key: event.dedupeKey,
    delivery_id: event.deliveryId,
    received_at: Math.trunc(event.receivedAt),
    size: event.raw.length,
    content_type: event.contentType,
    scheme: event.verification.scheme,
    traceparent: event.traceparent,
    topic,
    partition,
    offset,
  },
})

/**
 * The ingress's own decision, told from the record that it appended: it writes nothing but the event.
 * A copy of a record has the same row, for it is the same decision.
 */
export const acceptedRow = (hash: Hash, event: Event): TableRow => {
  const { scheme, bodyCovered, idCovered, secretIndex } = event.verification
  const decision: Decision = {
    id: decisionIdOf(hash, event.id, { stage: 'ingress' }, 'live'),
    stage: 'ingress',
    verdict: 'accepted',
    reason: 'verified',
    at: event.receivedAt,
    tookMs: 0,
    details: {
      scheme,
      bodyCovered,
      idCovered,
      ...(secretIndex === undefined ? {} : { secretIndex }),
    },
  }
  const { tenant, source, type, receivedAt } = event
  const set = { tenant, source, eventId: event.id, type, receivedAt, run: 'live', decisions: [] }
  return { table: 'decisions', row: decisionRow(set, decision) }
}

/** Rows of `decisions`, and of `attempts` for what a connector tried. */
export const decisionRows = (set: DecisionSet): readonly TableRow[] => {
  const rows: TableRow[] = []
  for (const decision of set.decisions) {
    rows.push({ table: 'decisions', row: decisionRow(set, decision) })
    if (decision.stage === 'deliver' && decision.attempt !== undefined && decision.attempt > 0)
      rows.push({ table: 'attempts', row: attemptRow(set, decision, decision.attempt) })
  }
  return rows
}

const decisionRow = (set: DecisionSet, decision: Decision): Row => ({
  tenant: set.tenant,
  event_id: set.eventId,
  decision_id: decision.id,
  stage: decision.stage,
  verdict: decision.verdict,
  reason: decision.reason,
  score: decision.score,
  model: decision.model,
  route: decision.route,
  destination: decision.destination,
  attempt: decision.attempt,
  at: Math.trunc(decision.at),
  took_ms: decision.tookMs,
  details: decision.details,
  source: set.source,
  type: set.type,
  received_at: Math.trunc(set.receivedAt),
  run: set.run,
  dispatch_id: decision.dispatchId,
  // A second copy of an event in the log is dropped under the same decision id as the first passed.
  version: decision.verdict === 'drop' && decision.reason === 'duplicate' ? 0 : 1,
})

const attemptRow = (set: DecisionSet, decision: Decision, attempt: number): Row => {
  const { details } = decision
  const status = details.httpStatus ?? details.status
  return {
    tenant: set.tenant,
    event_id: set.eventId,
    dispatch_id: decision.dispatchId,
    destination: decision.destination,
    connector: text(details.connector),
    attempt,
    at: Math.trunc(decision.at),
    outcome: text(details.outcome) ?? decision.verdict,
    status: typeof status === 'number' && status >= 0 && status < 65_536 ? Math.trunc(status) : 0,
    took_ms: decision.tookMs,
    error: text(details.error) ?? (decision.verdict === 'delivered' ? undefined : decision.reason),
    external_id: text(details.externalId),
    possible_duplicate: details.possibleDuplicate === true,
    run: set.run,
    source: set.source,
    type: set.type,
    received_at: Math.trunc(set.receivedAt),
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
