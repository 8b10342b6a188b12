import { cursorOf, parseCursor } from './cursor.ts'
import type { Decisions, Row } from './port.ts'

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

export interface DecisionPage {
  /** Rows of the table, newest first. */
  decisions: readonly Row[]
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

/** Decisions as their rows, newest first. Rejects with ZENHOOK_DECISIONS_QUERY_REFUSED for a broken cursor. */
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
  const rows = await decisions.select<Row & { cursor_at: number; decision_id: string }>(
    `SELECT *, toUnixTimestamp64Milli(decisions.at) AS cursor_at FROM decisions FINAL ${where}
     ORDER BY decisions.at DESC, decision_id DESC LIMIT {limit:UInt32}`,
    parameters,
  )
  const last = rows.at(-1)
  return {
    decisions: rows.map(({ cursor_at: _, ...row }) => row),
    ...(last === undefined || rows.length < filter.limit
      ? {}
      : { next: cursorOf({ at: last.cursor_at, id: last.decision_id }) }),
  }
}
