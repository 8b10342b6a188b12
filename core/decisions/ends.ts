import type { Decisions } from './port.ts'

/** How an event ended: each of its dispatches in exactly one way, or the event itself in a stage. */
export type End = 'delivered' | 'partial' | 'dropped' | 'dead'

export const ends: readonly End[] = ['delivered', 'partial', 'dropped', 'dead']

export interface EndQuery {
  ids: readonly string[]
  /** `live`, or the id of a replay. */
  run: string
  /** Bounds of the events' `received_at`, ms, both inclusive: what lies outside is not found. */
  from: number
  to: number
}

export interface EndAnswer {
  ended: Readonly<Record<End, number>>
  /** Those that no decisions prove to have ended, or that have more ends than one. */
  open: readonly string[]
}

const time = (name: string): string => `fromUnixTimestamp64Milli({${name}:Int64}, 'UTC')`

// Only what tells an end is read. Without FINAL: a row that is there twice changes no maximum, and what
// two versions of a row make look odd comes out as open, for `standingsOf` to judge.
const endsSql = (which: string): string => `
  SELECT end, groupArray(event_id) AS ids
  FROM (
    SELECT event_id, countIf(dispatch_id = '') AS stages, countIf(dispatch_id != '') AS dispatches,
      countIf(delivered + dead + dropped = 1 AND (sent OR dropped OR dispatch_id = '')) AS settled,
      multiIf(
        settled < stages + dispatches OR (stages > 0 AND dispatches > 0), 'open',
        min(delivered) = 1, 'delivered',
        max(delivered) = 1, 'partial',
        max(dead) = 1, 'dead', 'dropped') AS end
    FROM (
      SELECT event_id, dispatch_id, max(verdict = 'delivered') AS delivered,
        max(verdict = 'dead') AS dead, max(verdict = 'drop') AS dropped,
        max(verdict = 'dispatch') AS sent
      FROM decisions
      WHERE received_at >= ${time('from')} AND received_at <= ${time('to')} AND run = {run:String}
        AND verdict IN ('dispatch', 'delivered', 'drop', 'dead') AND stage != 'discard'${which}
      GROUP BY event_id, dispatch_id)
    GROUP BY event_id)
  WHERE end != 'open' GROUP BY end`

const allSql = endsSql('')
const someSql = endsSql(' AND event_id IN {ids:Array(String)}')

/** Where as many events as this were received per second, asking for all of that time is the cheaper way. */
const densePerSecond = 20

/**
 * How many of these events have ended and how, and which have not: one query, cheap for the many that have.
 * Of events that lie close together, all of their time are asked for: to name them costs more than to read
 * the few others.
 */
export const countEnds = async (
  decisions: Decisions,
  { ids, run, from, to }: EndQuery,
): Promise<EndAnswer> => {
  const ended = { delivered: 0, partial: 0, dropped: 0, dead: 0 }
  if (ids.length === 0) return { ended, open: [] }
  const open = new Set(ids)
  const dense = ids.length * 1_000 >= densePerSecond * (to - from)
  const rows = dense
    ? await decisions.select<Ended>(allSql, { run, from, to })
    : await decisions.select<Ended>(someSql, { run, from, to, ids })
  for (const { end, ids: found } of rows)
    for (const id of found) if (open.delete(id)) ended[end] += 1
  return { ended, open: [...open] }
}

interface Ended {
  end: End
  ids: readonly string[]
}

/** All that the tables say of one dispatch of one run; `dispatchId` is empty for what stages decided. Flags are 0 or 1. */
export interface Standing {
  eventId: string
  run: string
  dispatchId: string
  /** Decided by route. */
  sent: number
  delivered: number
  dead: number
  dropped: number
  /** Attempts that another one was to follow. */
  retries: number
  /** When the latest of them said that the next would be, ms; 0 where none did. */
  nextAt: number
}

const standingSql = `
  SELECT event_id AS eventId, run, dispatch_id AS dispatchId,
    max(verdict = 'dispatch') AS sent, max(verdict = 'delivered') AS delivered,
    max(verdict = 'dead') AS dead, max(verdict = 'drop') AS dropped,
    toUInt32(countIf(verdict = 'retry')) AS retries, toFloat64(maxIf(next, verdict = 'retry')) AS nextAt
  FROM (
    SELECT event_id, run, dispatch_id, verdict,
      JSONExtractFloat(details_text, 'nextAt') AS next
    FROM decisions FINAL
    WHERE received_at >= ${time('from')} AND received_at <= ${time('to')}
      AND event_id IN {ids:Array(String)} AND verdict NOT IN ('accepted', 'pass')
      AND stage != 'discard')
  GROUP BY event_id, run, dispatch_id`

const standingsPerQuery = 1_000

/** What is known of each event, of every run, exactly: for the few that `countEnds` leaves open. */
export const standingsOf = async (
  decisions: Decisions,
  { ids, from, to }: Omit<EndQuery, 'run'>,
): Promise<ReadonlyMap<string, readonly Standing[]>> => {
  const found = new Map<string, Standing[]>()
  for (let at = 0; at < ids.length; at += standingsPerQuery) {
    const rows = await decisions.select<Standing>(standingSql, {
      ids: ids.slice(at, at + standingsPerQuery),
      from,
      to,
    })
    for (const row of rows) {
      const known = found.get(row.eventId)
      if (known === undefined) found.set(row.eventId, [row])
      else known.push(row)
    }
  }
  return found
}

const endedSql = `
  SELECT DISTINCT dispatch_id AS dispatchId FROM decisions
  WHERE received_at >= ${time('since')} AND verdict IN ('delivered', 'drop', 'dead')
    AND dispatch_id IN {ids:Array(String)}`

/**
 * Which of these dispatches have ended, whatever event they were made for and in whatever run: two events of
 * one delivery share a dispatch, and the second one's record is settled in silence; so is that of a dispatch
 * that a replay took over.
 */
export const endedDispatches = async (
  decisions: Decisions,
  ids: readonly string[],
  since: number,
): Promise<ReadonlySet<string>> => {
  const found = new Set<string>()
  for (let at = 0; at < ids.length; at += standingsPerQuery)
    for (const { dispatchId } of await decisions.select<{ dispatchId: string }>(endedSql, {
      ids: ids.slice(at, at + standingsPerQuery),
      since,
    }))
      found.add(dispatchId)
  return found
}
