import { cursorOf, parseCursor } from './cursor.ts'
import { ms, rfc3339 } from './list.ts'
import type { Decisions } from './port.ts'

export interface DecisionFilter {
  tenant?: string
  source?: string
  type?: string
  /** Id of an event. */
  event?: string
  stage?: string
  verdict?: string
  /** Of events received at or after, ms. */
  since?: number
  /** Of events received before, ms. */
  until?: number
  /** `next` of the page before. */
  cursor?: string
  /** 1 to 1000. */
  limit: number
}

/** A row by the names of the table's columns. */
interface Told {
  tenant: string
  event_id: string
  decision_id: string
  stage: string
  verdict: string
  reason: string
  score: number | null
  model: string
  route: string
  destination: string
  attempt: number
  took_ms: number
  source: string
  type: string
  run: string
  dispatch_id: string
}

/** What the table tells of one decision. Times are RFC 3339 with milliseconds. */
export interface Decision extends Told {
  at: string
  received_at: string
  details: Readonly<Record<string, unknown>>
}

export interface DecisionPage {
  /** Newest first. */
  decisions: readonly Decision[]
  /** Given while older decisions may follow. */
  next?: string
}

const time = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`

const conditions = {
  tenant: 'tenant = {tenant:String}',
  source: 'source = {source:String}',
  type: 'type = {type:String}',
  event: 'event_id = {event:String}',
  stage: 'stage = {stage:String}',
  verdict: 'verdict = {verdict:String}',
  since: `received_at >= ${time('since')}`,
  until: `received_at < ${time('until')}`,
} as const

const place = `(decisions.at < ${time('at')} OR decisions.at = ${time('at')} AND decision_id < {id:String})`

/** Decisions by the columns of their table, newest first. Rejects with ZENHOOK_DECISIONS_QUERY_REFUSED for a broken cursor. */
export const listDecisions = async (
  decisions: Decisions,
  filter: DecisionFilter,
): Promise<DecisionPage> => {
  const wanted: string[] = []
  const parameters: Record<string, string | number> = { limit: filter.limit }
  for (const name of Object.keys(conditions) as (keyof typeof conditions)[]) {
    const value = filter[name]
    if (value === undefined) continue
    wanted.push(conditions[name])
    parameters[name] = value
  }
  if (filter.cursor !== undefined) {
    wanted.push(place)
    Object.assign(parameters, parseCursor(filter.cursor))
  }
  const where = wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`
  const rows = await decisions.select<Stored>(
    `SELECT tenant, event_id, decision_id, stage, verdict, reason, score, model, route, destination, attempt,
       took_ms, source, type, run, dispatch_id, details_text AS detailsText,
       ${ms('decisions.at')} AS decidedAt, ${ms('received_at')} AS receivedAt
     FROM decisions FINAL ${where}
     ORDER BY decisions.at DESC, decision_id DESC LIMIT {limit:UInt32}`,
    parameters,
  )
  const last = rows.at(-1)
  return {
    decisions: rows.map(decisionOf),
    ...(last === undefined || rows.length < filter.limit
      ? {}
      : { next: cursorOf({ at: last.decidedAt, id: last.decision_id }) }),
  }
}

// Other names than the columns': a condition on `received_at` would mean the number.
type Stored = Told & { decidedAt: number; receivedAt: number; detailsText: string }

const decisionOf = ({ decidedAt, receivedAt, detailsText, ...row }: Stored): Decision => ({
  ...row,
  at: rfc3339(decidedAt),
  received_at: rfc3339(receivedAt),
  details: JSON.parse(detailsText),
})
