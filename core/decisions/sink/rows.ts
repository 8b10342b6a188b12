import {
  type Decision,
  type DecisionSet,
  decisionIdOf,
  type Event,
  type Hash,
  type Position,
} from '../../event/index.ts'
import type { DecisionTable, Values } from '../port.ts'

export interface TableRow {
  table: DecisionTable
  values: Values
}

/** What a record of `received` or of `decisions` says. */
export type Content = { event: Event } | { set: DecisionSet }

/** How many rows it will be, about. */
export const rowCount = (content: Content): number =>
  'event' in content ? 2 : content.set.decisions.length

/** The rows of a record; the position is that of the record. */
export const rowsOf = (hash: Hash, content: Content, position: Position): readonly TableRow[] =>
  'event' in content
    ? [eventRow(content.event, position), acceptedRow(hash, content.event)]
    : decisionRows(content.set)

// Values stand in the order of `columns` in tables.ts, which a test holds them to.

/** The row of `events`; the position is that of its record in `received`. */
const eventRow = (event: Event, { topic, partition, offset }: Position): TableRow => ({
  table: 'events',
  values: [
    event.tenant,
    event.id,
    event.source,
    event.type,
    event.provider,
    event.dedupeKey,
    event.deliveryId ?? null,
    Math.trunc(event.receivedAt),
    event.raw.length,
    event.contentType,
    event.verification.scheme,
    event.traceparent ?? null,
    topic,
    partition,
    offset,
  ],
})

/**
 * The ingress's own decision, told from the record that it appended: it writes nothing but the event.
 * A copy of a record has the same row, for it is the same decision.
 */
const acceptedRow = (hash: Hash, event: Event): TableRow => {
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
  return { table: 'decisions', values: decisionValues(set, decision) }
}

/** Rows of `decisions`, and of `attempts` for what a connector tried. */
const decisionRows = (set: DecisionSet): readonly TableRow[] => {
  const rows: TableRow[] = []
  for (const decision of set.decisions) {
    rows.push({ table: 'decisions', values: decisionValues(set, decision) })
    if (decision.stage === 'deliver' && decision.attempt !== undefined && decision.attempt > 0)
      rows.push({ table: 'attempts', values: attemptValues(set, decision, decision.attempt) })
  }
  return rows
}

const decisionValues = (set: DecisionSet, decision: Decision): Values => [
  set.tenant,
  set.eventId,
  decision.id,
  decision.stage,
  decision.verdict,
  decision.reason,
  decision.score ?? null,
  decision.model ?? null,
  decision.route ?? null,
  decision.destination ?? null,
  decision.attempt ?? null,
  Math.trunc(decision.at),
  decision.tookMs,
  detailsText(decision.details),
  set.source,
  set.type,
  Math.trunc(set.receivedAt),
  set.run,
  decision.dispatchId ?? null,
  // A second copy of an event in the log is dropped under the same decision id as the first passed.
  decision.verdict === 'drop' && decision.reason === 'duplicate' ? 0 : 1,
]

const dottedKey = /\.[^"]*":/

/** The text of the details. A name with a dot may mean two places to ClickHouse's JSON type, which then refuses all of it. */
const detailsText = (details: Decision['details']): string => {
  const text = JSON.stringify(details)
  return dottedKey.test(text) ? JSON.stringify({ _text: text }) : text
}

const attemptValues = (set: DecisionSet, decision: Decision, attempt: number): Values => {
  const { details } = decision
  const status = details.httpStatus ?? details.status
  return [
    set.tenant,
    set.eventId,
    decision.dispatchId ?? null,
    decision.destination ?? null,
    text(details.connector),
    attempt,
    Math.trunc(decision.at),
    text(details.outcome) ?? decision.verdict,
    typeof status === 'number' && status >= 0 && status < 65_536 ? Math.trunc(status) : 0,
    decision.tookMs,
    text(details.error) ?? (decision.verdict === 'delivered' ? null : decision.reason),
    text(details.externalId),
    details.possibleDuplicate === true,
    set.run,
    set.source,
    set.type,
    Math.trunc(set.receivedAt),
  ]
}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
