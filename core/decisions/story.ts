import type { Position } from '../event/index.ts'
import { type EventRow, type EventSummary, ms, rfc3339, summaryOf } from './list.ts'
import type { Decisions, Parameters } from './port.ts'
import { type DispatchStatus, dispatchStatus, type Group } from './status.ts'

export { type EventFilter, type EventPage, type EventSummary, listEvents } from './list.ts'
export {
  type DispatchStatus,
  type EventStatus,
  eventStatus,
  eventStatuses,
} from './status.ts'

/** Times are RFC 3339 with milliseconds. */
export interface Story extends EventSummary {
  provider?: string
  deliveryId?: string
  dedupeKey?: string
  contentType?: string
  /** Bytes of the body. */
  size?: number
  /** Verifier that proved it. */
  scheme?: string
  traceparent?: string
  /** Where it lies in `received`; absent until the sink has stored the event itself. */
  position?: Position
  /** Run by run, and within one as the stages follow each other. */
  decisions: readonly StoryDecision[]
  dispatches: readonly StoryDispatch[]
}

export interface StoryDecision {
  stage: string
  verdict: string
  reason: string
  at: string
  tookMs: number
  /** `live`, or the id of a replay. */
  run: string
  score?: number
  model?: string
  route?: string
  destination?: string
  dispatchId?: string
  attempt?: number
  details: Readonly<Record<string, unknown>>
}

export interface StoryDispatch {
  id: string
  destination: string
  route: string
  run: string
  status: DispatchStatus
  attempts: readonly StoryAttempt[]
}

export interface StoryAttempt {
  /** From 1. */
  attempt: number
  at: string
  /** HTTP status of the answer; null where there was none. */
  status: number | null
  outcome: string
  tookMs: number
  error?: string
  externalId?: string
  possibleDuplicate?: boolean
}

type StoredEvent = EventRow & {
  provider: string
  deliveryId: string
  dedupeKey: string
  contentType: string
  size: number
  scheme: string
  traceparent: string
} & Position

type StoredDecision = {
  tenant: string
  source: string
  type: string
  receivedAt: number
  stage: string
  verdict: string
  reason: string
  score: number | null
  model: string
  route: string
  destination: string
  attempt: number
  at: number
  tookMs: number
  detailsText: string
  run: string
  dispatchId: string
}

type StoredAttempt = {
  dispatchId: string
  run: string
  attempt: number
  at: number
  status: number
  outcome: string
  tookMs: number
  error: string
  externalId: string
  possibleDuplicate: boolean
}

const eventSql = `
  SELECT id, tenant, source, type, ${ms('received_at')} AS receivedAt, provider,
    delivery_id AS deliveryId, dedupe_key AS dedupeKey, content_type AS contentType, size, scheme,
    traceparent, topic, partition, offset
  FROM events FINAL WHERE id = {id:String} LIMIT 1`

// A run after the other, and within one by place in the chain: stages of one record may decide in the same
// millisecond, and after a crash they decide again, later than what was delivered.
const decisionsSql = `
  SELECT tenant, source, type, ${ms('received_at')} AS receivedAt, stage, verdict, reason, score, model,
    route, destination, attempt, ${ms('at')} AS at, took_ms AS tookMs, details_text AS detailsText, run, dispatch_id AS dispatchId
  FROM decisions FINAL WHERE event_id = {id:String}
  ORDER BY min(decisions.at) OVER (PARTITION BY run), run,
    indexOf(['ingress', 'dedupe', 'enrich', 'score', 'route', 'deliver', 'discard'], stage),
    decisions.at, attempt, decision_id`

const attemptsSql = `
  SELECT dispatch_id AS dispatchId, run, attempt, ${ms('at')} AS at, status, outcome, took_ms AS tookMs,
    error, external_id AS externalId, possible_duplicate AS possibleDuplicate
  FROM attempts FINAL WHERE event_id = {id:String} ORDER BY attempts.at, attempt`

/** All that is known about one event; `undefined` when nothing is. */
export const story = async (decisions: Decisions, eventId: string): Promise<Story | undefined> => {
  const parameters: Parameters = { id: eventId }
  const [events, made, attempts] = await Promise.all([
    decisions.select<StoredEvent>(eventSql, parameters),
    decisions.select<StoredDecision>(decisionsSql, parameters),
    decisions.select<StoredAttempt>(attemptsSql, parameters),
  ])
  const [event] = events
  const known = event ?? made[0]
  if (known === undefined) return undefined
  const { tenant, source, type, receivedAt } = known
  const row = { id: eventId, tenant, source, type, receivedAt }
  return {
    ...summaryOf(row, groupsOf(made)),
    ...(event === undefined ? {} : aboutOf(event)),
    decisions: made.map(decisionOf),
    dispatches: dispatchesOf(made, attempts),
  }
}

const given = (value: string): string | undefined => (value === '' ? undefined : value)

const aboutOf = (event: StoredEvent) => ({
  provider: event.provider,
  deliveryId: given(event.deliveryId),
  dedupeKey: event.dedupeKey,
  contentType: event.contentType,
  size: event.size,
  scheme: event.scheme,
  traceparent: given(event.traceparent),
  position: { topic: event.topic, partition: event.partition, offset: Number(event.offset) },
})

const decisionOf = (made: StoredDecision): StoryDecision => ({
  stage: made.stage,
  verdict: made.verdict,
  reason: made.reason,
  at: rfc3339(made.at),
  tookMs: made.tookMs,
  run: made.run,
  score: made.score ?? undefined,
  model: given(made.model),
  route: given(made.route),
  destination: given(made.destination),
  dispatchId: given(made.dispatchId),
  attempt: made.attempt === 0 ? undefined : made.attempt,
  details: JSON.parse(made.detailsText),
})

// As `groupsSql` does it, from the rows at hand.
const groupsOf = (made: readonly StoredDecision[]): Group[] => {
  const groups = new Map<string, Group>()
  const ends = (verdict: string, dispatchId: string): boolean =>
    dispatchId === '' && (verdict === 'drop' || verdict === 'dead')
  for (const { dispatchId, run, verdict, reason, at } of made) {
    const key = JSON.stringify([dispatchId, run])
    const known = groups.get(key)
    const newest = Math.max(known?.at ?? at, at)
    if (known !== undefined && ends(known.verdict, dispatchId)) known.at = newest
    else groups.set(key, { dispatchId, run, verdict, reason, at: newest })
  }
  return [...groups.values()]
}

const dispatchesOf = (
  made: readonly StoredDecision[],
  attempts: readonly StoredAttempt[],
): StoryDispatch[] => {
  const dispatches = new Map<string, StoryDispatch>()
  const key = (id: string, run: string): string => JSON.stringify([id, run])
  for (const { dispatchId, run, destination, route, verdict, reason } of made) {
    if (dispatchId === '') continue
    const known = dispatches.get(key(dispatchId, run))
    dispatches.set(key(dispatchId, run), {
      id: dispatchId,
      destination: known?.destination || destination,
      route: known?.route || route,
      run,
      status: dispatchStatus({ verdict, reason }),
      attempts: attempts
        .filter((attempt) => attempt.dispatchId === dispatchId && attempt.run === run)
        .map(attemptOf),
    })
  }
  return [...dispatches.values()]
}

const attemptOf = (attempt: StoredAttempt): StoryAttempt => ({
  attempt: attempt.attempt,
  at: rfc3339(attempt.at),
  status: attempt.status === 0 ? null : attempt.status,
  outcome: attempt.outcome,
  tookMs: attempt.tookMs,
  error: given(attempt.error),
  externalId: given(attempt.externalId),
  possibleDuplicate: attempt.possibleDuplicate || undefined,
})
