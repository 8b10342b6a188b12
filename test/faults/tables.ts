import type { FaultRig } from './rig.ts'

/** Rows of a statement, from the decision store itself: the checker is not bound by a user's limits. */
export const rows = async <T>({ clickhouse }: FaultRig, sql: string): Promise<T[]> => {
  const response = await fetch(`${clickhouse.url}/?default_format=JSONEachRow`, {
    method: 'POST',
    body: sql,
    signal: AbortSignal.timeout(120_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`the decision store says ${response.status}: ${text}`)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** An event with its place in `received` and when the chain was done with it. */
export interface LoggedEvent {
  id: string
  partition: number
  offset: number
  /** When the last of its stages decided: wall time, ms. */
  decidedAt: number
}

/** In the order of the log. */
export const eventsSince = async (rig: FaultRig, since: number): Promise<LoggedEvent[]> => {
  const time = `fromUnixTimestamp64Milli(${since})`
  const found = await rows<{
    id: string
    partition: number
    offset: string
    done: string
  }>(
    rig,
    `SELECT e.id AS id, e.partition AS partition, toString(e.offset) AS offset,
       toString(d.done) AS done
     FROM (SELECT id, partition, offset FROM events FINAL WHERE received_at >= ${time}) AS e
     INNER JOIN (
       SELECT event_id, max(toUnixTimestamp64Milli(at)) AS done
       FROM decisions FINAL
       WHERE received_at >= ${time} AND run = 'live' AND stage IN ('dedupe', 'route')
       GROUP BY event_id) AS d
     ON e.id = d.event_id
     ORDER BY partition, e.offset`,
  )
  return found.map(({ id, partition, offset, done }) => ({
    ...{ id, partition },
    offset: Number(offset),
    decidedAt: Number(done),
  }))
}

/** What became of an event, decision by decision: for those who look at one that has no end. */
export const storyOf = async (rig: FaultRig, id: string): Promise<string> => {
  const found = await rows<Record<string, string>>(
    rig,
    `SELECT formatDateTime(at, '%T.%f') AS time, stage, verdict, reason, destination, toString(attempt) AS number,
       tenant, details_text AS details
     FROM decisions FINAL WHERE event_id = '${id}' ORDER BY at`,
  )
  return found.map((each) => `${id} ${Object.values(each).join(' ')}`.slice(0, 300)).join('\n')
}
