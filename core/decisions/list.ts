import { cursorOf, type Place, parseCursor } from './cursor.ts'
import type { Decisions } from './port.ts'
import { type EventStatus, eventStatus, type Group, rankSql, stateOf } from './status.ts'

/** Times are RFC 3339 with milliseconds. */
export interface EventSummary {
  id: string
  tenant: string
  source: string
  type: string
  receivedAt: string
  status: EventStatus
}

export interface EventFilter {
  tenant?: string
  source?: string
  type?: string
  status?: EventStatus
  /** Received at or after, ms. */
  since?: number
  /** Received before, ms. */
  until?: number
  /** Something was decided about it at or after, ms. */
  decidedSince?: number
  /** `next` of the page before. */
  cursor?: string
  /** 50 by default, at most 1000. */
  limit?: number
}

export interface EventPage {
  /** Newest first. */
  events: readonly EventSummary[]
  /** Given while older events may follow: also when a filter by status has looked at many and found few. */
  next?: string
}

const maxLimit = 1_000
const defaultLimit = 50
/** Events looked at per query and per call when a status is asked for. */
const scanPage = 1_000
const scanLimit = 100_000

/** Events with their status, newest first. Rejects with ZENHOOK_DECISIONS_QUERY_REFUSED for a broken cursor. */
export const listEvents = async (
  decisions: Decisions,
  filter: EventFilter = {},
): Promise<EventPage> => {
  const limit = Math.min(Math.max(1, Math.trunc(filter.limit ?? defaultLimit)), maxLimit)
  const { status } = filter
  const pageSize = status === undefined ? limit : scanPage
  const found: EventSummary[] = []
  let before = filter.cursor === undefined ? undefined : parseCursor(filter.cursor)
  let scanned = 0
  for (;;) {
    const rows = await eventRows(decisions, filter, before, pageSize)
    const states = await statesOf(decisions, rows)
    for (const row of rows) {
      before = { at: row.receivedAt, id: row.id }
      const summary = summaryOf(row, states.get(row.id) ?? [])
      if (status === undefined || summary.status === status) found.push(summary)
      if (found.length === limit) return { events: found, next: cursorOf(before) }
    }
    scanned += rows.length
    if (rows.length < pageSize || before === undefined) return { events: found }
    if (scanned >= scanLimit) return { events: found, next: cursorOf(before) }
  }
}

export type EventRow = {
  id: string
  tenant: string
  source: string
  type: string
  receivedAt: number
}

export const ms = (column: string): string => `toUnixTimestamp64Milli(${column})`
const time = (parameter: string): string => `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`

const eventRows = (
  decisions: Decisions,
  { tenant, source, type, since, until, decidedSince }: EventFilter,
  before: Place | undefined,
  limit: number,
): Promise<readonly EventRow[]> => {
  const conditions: string[] = []
  const parameters: Record<string, string | number> = { limit }
  const where = (condition: string, name: string, value: string | number | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    parameters[name] = value
  }
  where('tenant = {tenant:String}', 'tenant', tenant)
  where('source = {source:String}', 'source', source)
  where('type = {type:String}', 'type', type)
  where(`received_at >= ${time('since')}`, 'since', since)
  where(`received_at < ${time('until')}`, 'until', until)
  where(
    `id IN (SELECT event_id FROM decisions WHERE decisions.at >= ${time('decidedSince')})`,
    'decidedSince',
    decidedSince,
  )
  if (before !== undefined) {
    where(`received_at <= ${time('before')}`, 'before', before.at)
    where(`(received_at < ${time('before')} OR id < {id:String})`, 'id', before.id)
  }
  const text = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
  return decisions.select<EventRow>(
    `SELECT id, tenant, source, type, ${ms('received_at')} AS receivedAt FROM events FINAL ${text}
     ORDER BY received_at DESC, id DESC LIMIT {limit:UInt32}`,
    parameters,
  )
}

const groupsSql = `
  SELECT event_id AS eventId, dispatch_id AS dispatchId, run,
    argMax(made, ${rankSql}) AS verdict, argMax(why, ${rankSql}) AS reason, max(decided) AS at
  FROM (SELECT event_id, dispatch_id, run, stage, verdict AS made, reason AS why, attempt,
      ${ms('decisions.at')} AS decided
    FROM decisions FINAL
    WHERE received_at >= ${time('from')} AND received_at <= ${time('to')}
      AND event_id IN {ids:Array(String)})
  GROUP BY event_id, dispatch_id, run`

const statesOf = async (
  decisions: Decisions,
  rows: readonly EventRow[],
): Promise<ReadonlyMap<string, readonly Group[]>> => {
  const groups = new Map<string, Group[]>()
  const [newest] = rows
  const oldest = rows.at(-1)
  if (newest === undefined || oldest === undefined) return groups
  const found = await decisions.select<Group & { eventId: string }>(groupsSql, {
    from: oldest.receivedAt,
    to: newest.receivedAt,
    ids: rows.map((row) => row.id),
  })
  for (const group of found) {
    const known = groups.get(group.eventId)
    if (known === undefined) groups.set(group.eventId, [group])
    else known.push(group)
  }
  return groups
}

export const summaryOf = (row: EventRow, groups: readonly Group[]): EventSummary => ({
  id: row.id,
  tenant: row.tenant,
  source: row.source,
  type: row.type,
  receivedAt: rfc3339(row.receivedAt),
  status: eventStatus(stateOf(groups)),
})

export const rfc3339 = (at: number): string => new Date(at).toISOString()
