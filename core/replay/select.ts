import type { Decisions, Parameters } from '../decisions/port.ts'
import { type EventStatus, eventStatus, type Group, rankSql, stateOf } from '../decisions/status.ts'
import type { Position } from '../event/index.ts'
import type { Caller, EventFilter } from './types.ts'

/** An event of the selection: what the tables know of it, and where the log has it. */
export interface Selected {
  id: string
  tenant: string
  source: string
  type: string
  receivedAt: number
  position: Position
}

/** The last event that was looked at, in the order of receipt. */
export interface EventCursor {
  receivedAt: number
  id: string
}

/** How the decisions stand about one event. */
export interface Standing {
  status: EventStatus
  /** Dropped as a duplicate of another event, or as a second copy. */
  duplicate: boolean
  /** All that is dead of it was given up. */
  discarded: boolean
  dispatches: readonly { id: string; destination: string }[]
}

const ms = (column: string): string => `toUnixTimestamp64Milli(${column})`
const time = (parameter: string): string => `fromUnixTimestamp64Milli({${parameter}:Int64}, 'UTC')`

const conditionsOf = (
  filter: EventFilter,
  caller: Pick<Caller, 'tenant'>,
): { text: string; parameters: Record<string, string | number | readonly string[]> } => {
  const conditions: string[] = []
  const parameters: Record<string, string | number | readonly string[]> = {}
  const where = (condition: string, name: string, value: string | number | undefined): void => {
    if (value === undefined) return
    conditions.push(condition)
    parameters[name] = value
  }
  // Both stand: a caller bound to a tenant finds nothing of another.
  where('tenant = {scope:String}', 'scope', caller.tenant)
  where('tenant = {tenant:String}', 'tenant', filter.tenant)
  where('source = {source:String}', 'source', filter.source)
  where('type = {type:String}', 'type', filter.type)
  where(`received_at >= ${time('since')}`, 'since', filter.since)
  where(`received_at < ${time('until')}`, 'until', filter.until)
  return { text: conditions.length === 0 ? 'true' : conditions.join(' AND '), parameters }
}

type Row = Omit<Selected, 'position'> & {
  topic: string
  partition: number
  offset: number | string
}

const selectedOf = ({ topic, partition, offset, ...row }: Row): Selected => ({
  ...row,
  position: { topic, partition, offset: Number(offset) },
})

const columns = `id, tenant, source, type, ${ms('received_at')} AS receivedAt, topic, partition, offset`

/** How many events the filter finds, whatever their status. */
export const countEvents = async (
  decisions: Decisions,
  filter: EventFilter,
  caller: Pick<Caller, 'tenant'>,
): Promise<number> => {
  const { text, parameters } = conditionsOf(filter, caller)
  const [row] = await decisions.select<{ n: number | string }>(
    `SELECT count() AS n FROM events FINAL WHERE ${text}`,
    parameters as Parameters,
  )
  return Number(row?.n ?? 0)
}

/** The next events of the filter, in the order of receipt. */
export const nextEvents = async (
  decisions: Decisions,
  filter: EventFilter,
  caller: Pick<Caller, 'tenant'>,
  after: EventCursor | undefined,
  limit: number,
): Promise<readonly Selected[]> => {
  const { text, parameters } = conditionsOf(filter, caller)
  const on =
    after === undefined
      ? ''
      : `AND received_at >= ${time('after')} AND (received_at > ${time('after')} OR id > {id:String})`
  const rows = await decisions.select<Row>(
    `SELECT ${columns} FROM events FINAL WHERE ${text} ${on} ORDER BY received_at, id LIMIT {limit:UInt32}`,
    {
      ...parameters,
      ...(after === undefined ? {} : { after: after.receivedAt, id: after.id }),
      limit,
    } as Parameters,
  )
  return rows.map(selectedOf)
}

/** Those of these events that the filter means, in the order of receipt; what the caller cannot reach is as if it were not. */
export const eventsById = async (
  decisions: Decisions,
  ids: readonly string[],
  filter: EventFilter,
  caller: Pick<Caller, 'tenant'>,
): Promise<readonly Selected[]> => {
  const { text, parameters } = conditionsOf(filter, caller)
  const rows = await decisions.select<Row>(
    `SELECT ${columns} FROM events FINAL WHERE ${text} AND id IN {ids:Array(String)} ORDER BY received_at, id`,
    { ...parameters, ids } as Parameters,
  )
  return rows.map(selectedOf)
}

/** Newest decisions of a group; `givenUp` is 1 where its dead letter was discarded. */
type Told = Group & { destination: string; givenUp: number }

const standingSql = `
  SELECT event_id AS eventId, dispatch_id AS dispatchId, run, max(place) AS destination,
    argMax(made, ${rankSql}) AS verdict, argMax(why, ${rankSql}) AS reason, max(decided) AS at,
    max(stage = 'discard') AS givenUp
  FROM (SELECT event_id, dispatch_id, run, stage, verdict AS made, reason AS why, attempt,
      destination AS place, ${ms('decisions.at')} AS decided
    FROM decisions FINAL
    WHERE received_at >= ${time('from')} AND received_at <= ${time('to')}
      AND event_id IN {ids:Array(String)})
  GROUP BY event_id, dispatch_id, run`

const rangeOf = (events: readonly Selected[]): { from: number; to: number; ids: string[] } => {
  const times = events.map(({ receivedAt }) => receivedAt)
  return { from: Math.min(...times), to: Math.max(...times), ids: events.map(({ id }) => id) }
}

/** By event id, for a page of events. */
export const standings = async (
  decisions: Decisions,
  events: readonly Selected[],
): Promise<ReadonlyMap<string, Standing>> => {
  if (events.length === 0) return new Map()
  const rows = await decisions.select<Told & { eventId: string }>(standingSql, rangeOf(events))
  const groups = new Map<string, Told[]>()
  for (const row of rows) groups.set(row.eventId, [...(groups.get(row.eventId) ?? []), row])
  return new Map(events.map(({ id }) => [id, standingOf(groups.get(id) ?? [])]))
}

const standingOf = (groups: readonly Told[]): Standing => {
  const dispatches = new Map<string, string>()
  for (const { dispatchId, destination } of groups)
    if (dispatchId !== '')
      dispatches.set(dispatchId, destination || dispatches.get(dispatchId) || '')
  const drops = groups.filter(({ dispatchId, verdict }) => dispatchId === '' && verdict === 'drop')
  const dead = groups.filter(({ verdict }) => verdict === 'dead')
  return {
    status: eventStatus(stateOf(groups)),
    duplicate:
      dispatches.size === 0 &&
      drops.some(({ reason }) => reason === 'duplicate' || reason === 'log_copy'),
    discarded: dead.length > 0 && dead.every(({ givenUp }) => givenUp > 0),
    dispatches: [...dispatches].map(([id, destination]) => ({ id, destination })),
  }
}

const foundSql = `
  SELECT event_id AS eventId, stage, score, model, details_text AS told FROM decisions FINAL
  WHERE received_at >= ${time('from')} AND received_at <= ${time('to')}
    AND event_id IN {ids:Array(String)} AND stage IN ('enrich', 'score') AND verdict = 'pass'
  ORDER BY decisions.at`

/** What enrich and score wrote into their decisions, by event id: a part of the facts. */
export const decidedFacts = async (
  decisions: Decisions,
  events: readonly Selected[],
): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> => {
  const facts = new Map<string, Record<string, unknown>>()
  if (events.length === 0) return facts
  const rows = await decisions.select<{
    eventId: string
    stage: string
    score: number | null
    model: string
    told: string
  }>(foundSql, rangeOf(events))
  for (const { eventId, stage, score, model, told } of rows) {
    const { mapping: _, ...said } = JSON.parse(told) as Record<string, unknown>
    const more = stage === 'score' ? { urgency: score ?? 0.5, model } : said
    facts.set(eventId, { ...facts.get(eventId), ...more })
  }
  return facts
}
