import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaLog } from '../../core/log/kafka/index.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import { destinationsOf } from './config.ts'
import { diagnose } from './diagnosis.ts'
import type { Line } from './load.ts'
import { firstDone } from './logged.ts'
import { type Sample, settledEarly } from './offsets.ts'
import { createPlaces, type Place, type Places } from './places.ts'
import type { FaultRig } from './rig.ts'
import { eventsSince, type LoggedEvent, rows } from './tables.ts'

/** What was found of one row; every list is empty where all invariants hold. */
export interface Findings {
  sent: number
  acknowledged: number
  /** I1: answered 2xx, not in the log. */
  lost: readonly string[]
  /** I2: refused with 4xx, in the log nevertheless. */
  smuggled: readonly string[]
  /** I3: in the log without an end. */
  open: readonly string[]
  /** I3: more ends than destinations. */
  twice: readonly string[]
  /** I4: decided in two ways. */
  undecided: readonly string[]
  /** I5: dispatched or delivered before one of the same key that lies earlier in the log. */
  disordered: readonly string[]
  /** I6: events whose destinations met more or fewer webhook-ids than there are destinations. */
  identities: readonly string[]
  /** I6: webhook-ids that came again without being flagged. */
  unflagged: readonly string[]
  /** I7: offsets committed before what lies below them was done. */
  early: readonly string[]
  /** I14: bytes delivered that are not those that were sent. */
  altered: readonly string[]
  /** Webhook-ids that came more than once, flagged or not: what a receiver that ignores them acts on twice. */
  duplicates: number
  /** Longest wait for an answer, ms. */
  worstMs: number
  /** Longest wait for a 2xx, ms. */
  worstOkMs: number
  statuses: Readonly<Record<string, number>>
  /** From the call until every event had its end, ms. */
  drainMs: number
}

export const broken = (found: Findings): Record<string, number> => {
  const { lost, smuggled, open, twice, undecided, disordered } = found
  const { identities, unflagged, early, altered } = found
  const lists = {
    ...{ lost, smuggled, open, twice, undecided, disordered },
    ...{ identities, unflagged, early, altered },
  }
  return Object.fromEntries(
    Object.entries(lists).flatMap(([name, { length }]) => (length === 0 ? [] : [[name, length]])),
  )
}

export interface Checker {
  /** What came before belongs to another row. */
  begin(): void
  /** Waits until every event of these requests has its end, then looks at every invariant. */
  findings(lines: readonly Line[], drainMs: number, samples?: readonly Sample[]): Promise<Findings>
  /** I1 and I2 alone: what the log holds of these requests. */
  stored(lines: readonly Line[]): Promise<Findings>
  /** How often a request's event lies in the log, as far as the last look went. */
  copies(mark: string): number
  /** The topic was made anew: read it from its beginning. */
  forget(): void
}

const isAcknowledged = ({ status }: Line): boolean => status >= 200 && status < 300
const isRefused = ({ status }: Line): boolean => status >= 400 && status < 500

const clockSlackMs = 5_000

export const createChecker = (rig: FaultRig): Checker => {
  const places = createPlaces()
  let since = Date.now()

  const readOn = async (): Promise<void> => {
    const { brokers } = rig.kafka
    const log = createKafkaLog({ brokers, prefix: 'zenhook', logger: silentLogger })
    try {
      await places.readOn(log)
    } finally {
      await log.close()
    }
  }
  const idsOf = (mark: string): readonly string[] => places.received(mark).map(({ id }) => id)

  const lostOf = (lines: readonly Line[]): string[] =>
    lines
      .filter(isAcknowledged)
      .filter(({ mark, id }) => !holds(idsOf(mark), id))
      .map(({ mark }) => mark)

  const smuggledOf = (lines: readonly Line[]): string[] =>
    lines
      .filter((line) => isRefused(line) && idsOf(line.mark).length > 0 && !shared(line, lines))
      .map(({ mark }) => mark)

  /** The parts that wait for the drain. */
  const look = async (lines: readonly Line[]) => {
    await readOn()
    const ends = await endsOf(rig, since)
    const lost = lostOf(lines)
    const tenants = new Map(lines.map(({ mark, tenant }) => [mark, tenant]))
    const logged = [...tenants].flatMap(([mark, tenant]) =>
      [...new Set(idsOf(mark))].map((id) => ({ id, wanted: destinationsOf(tenant) })),
    )
    const open = logged.filter(({ id, wanted }) => !isEnded(ends.get(id), wanted))
    const twice = logged.filter(({ id, wanted }) => (ends.get(id)?.count ?? 0) > wanted)
    return { lost, open: open.map(({ id }) => id), twice: twice.map(({ id }) => id), logged }
  }

  const drained = async (lines: readonly Line[], drainMs: number) => {
    const startedAt = performance.now()
    for (;;) {
      const tookMs = performance.now() - startedAt
      const seen = await look(lines).catch((error: unknown) => {
        // A server that has just come back may be away for another moment.
        if (tookMs > drainMs) throw error
        return undefined
      })
      const done = seen !== undefined && seen.lost.length === 0 && seen.open.length === 0
      if (seen !== undefined && (done || tookMs > drainMs))
        return { ...seen, drainMs: Math.round(tookMs) }
      const lookMs = performance.now() - startedAt - tookMs
      await sleep(Math.max(500, lookMs * 2))
    }
  }

  return {
    begin() {
      since = Date.now() - clockSlackMs
      places.clear()
      rig.sink.clear()
    },
    copies: (mark) => places.received(mark).length,
    forget: () => places.forget(),
    async findings(lines, drainMs, samples = []) {
      const { logged, ...waited } = await drained(lines, drainMs)
      if (waited.open.length > 0) process.stdout.write(`${await diagnose(rig, waited.open)}\n`)
      const ids = new Set(logged.map(({ id }) => id))
      const inLog = lines.filter(({ mark }) => places.received(mark).length > 0)
      const delivered = deliveriesOf(rig, lines)
      const again = [...delivered.values()].flatMap((list) => repeated(list.map(({ id }) => id)))
      const doubtful = await flagged(rig, since)
      const events = await eventsSince(rig, since)
      return {
        ...waited,
        ...answersOf(lines),
        smuggled: smuggledOf(lines),
        undecided: (await undecided(rig, since)).filter((id) => ids.has(id)),
        disordered: disordered(rig, places, lines),
        identities: [...new Map(inLog.map(({ mark, tenant }) => [mark, tenant]))]
          .filter(([mark, tenant]) => {
            const met = new Set(delivered.get(mark)?.map(({ id }) => id))
            return met.size !== destinationsOf(tenant)
          })
          .map(([mark]) => mark),
        unflagged: [...new Set(again)].filter((id) => !doubtful.has(id)),
        early: await reallyEarly(rig, events, samples),
        altered: inLog
          .filter(({ mark, digest }) => delivered.get(mark)?.some((each) => each.digest !== digest))
          .map(({ mark }) => mark),
        duplicates: again.length,
      }
    },
    async stored(lines) {
      await readOn()
      return {
        ...{ open: [], twice: [], undecided: [], disordered: [], identities: [] },
        ...{ unflagged: [], early: [], altered: [], duplicates: 0, drainMs: 0 },
        ...answersOf(lines),
        lost: lostOf(lines),
        smuggled: smuggledOf(lines),
      }
    },
  }
}

/** Those that the tables say were settled before they were decided, looked up where every decision stands. */
const reallyEarly = async (
  rig: FaultRig,
  events: readonly LoggedEvent[],
  samples: readonly Sample[],
): Promise<readonly string[]> => {
  if (settledEarly(events, samples).length === 0) return []
  const first = await firstDone(rig)
  const exact = events.map((event) => ({
    ...event,
    decidedAt: Math.min(event.decidedAt, first.get(event.id) ?? event.decidedAt),
  }))
  return settledEarly(exact, samples)
}

const answersOf = (lines: readonly Line[]) => {
  const statuses: Record<string, number> = {}
  for (const { status } of lines) statuses[status] = (statuses[status] ?? 0) + 1
  const acknowledged = lines.filter(isAcknowledged)
  return {
    sent: lines.length,
    acknowledged: acknowledged.length,
    worstMs: longest(lines),
    worstOkMs: longest(acknowledged),
    statuses,
  }
}

/** The answer named an event; of a duplicate it is the first one's, which may be of another process. */
const holds = (ids: readonly string[] | undefined, id: string | undefined): boolean =>
  id !== undefined && ids?.includes(id) === true

const isEnded = (end: End | undefined, wanted: number): boolean =>
  end !== undefined && (end.dropped || end.count >= wanted)

/** Another request with the same mark was taken: that one is in the log. */
const shared = (line: Line, lines: readonly Line[]): boolean =>
  lines.some((other) => other.mark === line.mark && isAcknowledged(other))

const longest = (lines: readonly Line[]): number =>
  Math.round(lines.reduce((most, { sentAt, ackAt }) => Math.max(most, ackAt - sentAt), 0))

/** Each that comes again, once for each time. */
const repeated = (ids: readonly string[]): string[] => {
  const seen = new Set<string>()
  return ids.filter((id) => {
    const known = seen.has(id)
    seen.add(id)
    return known
  })
}

const deliveriesOf = ({ sink }: FaultRig, lines: readonly Line[]) => {
  const marks = new Set(lines.map(({ mark }) => mark))
  const byMark = new Map<string, { id: string; digest: string }[]>()
  for (const { mark, id, digest } of sink.deliveries()) {
    if (!marks.has(mark)) continue
    const list = byMark.get(mark) ?? []
    list.push({ id, digest })
    byMark.set(mark, list)
  }
  return byMark
}

interface End {
  count: number
  dropped: boolean
}

const endsOf = async (rig: FaultRig, since: number): Promise<Map<string, End>> => {
  const found = await rows<{ id: string; n: string | number; dropped: number }>(
    rig,
    `SELECT event_id AS id, count() AS n, max(verdict = 'drop') AS dropped FROM decisions FINAL
     WHERE verdict IN ('delivered', 'drop', 'dead') AND received_at >= fromUnixTimestamp64Milli(${since})
     GROUP BY event_id`,
  )
  return new Map(
    found.map(({ id, n, dropped }) => [id, { count: Number(n), dropped: dropped === 1 }]),
  )
}

const flagged = async (rig: FaultRig, since: number): Promise<Set<string>> => {
  const found = await rows<{ id: string }>(
    rig,
    `SELECT DISTINCT dispatch_id AS id FROM attempts FINAL
     WHERE possible_duplicate AND received_at >= fromUnixTimestamp64Milli(${since})`,
  )
  return new Set(found.map(({ id }) => id))
}

const undecided = async (rig: FaultRig, since: number): Promise<string[]> => {
  const found = await rows<{ id: string }>(
    rig,
    `SELECT DISTINCT event_id AS id FROM (
       SELECT event_id FROM decisions
       WHERE stage IN ('dedupe', 'enrich', 'score', 'route') AND run = 'live'
         AND received_at >= fromUnixTimestamp64Milli(${since})
       GROUP BY event_id, stage, decision_id
       HAVING uniqExact(verdict, reason, ifNull(score, -1), route, destination) > 1)`,
  )
  return found.map(({ id }) => id)
}

/**
 * Events that were dispatched or delivered for the first time before one which came earlier under the same key.
 * One that lies in the log several times has no single place, and is left out.
 */
const disordered = ({ sink }: FaultRig, places: Places, lines: readonly Line[]): string[] => {
  const byOrder = new Map<string, Map<string, Ordered>>()
  const delivered = new Map<string, number>()
  for (const [index, { mark }] of sink.deliveries().entries())
    if (!delivered.has(mark)) delivered.set(mark, index)
  for (const { mark, order } of lines) {
    const [place, copy] = places.received(mark)
    if (order === '' || place === undefined || copy !== undefined) continue
    const events = byOrder.get(order) ?? new Map<string, Ordered>()
    const steps = [places.dispatched(place.id)?.offset, delivered.get(mark)]
    events.set(place.id, { ...place, steps })
    byOrder.set(order, events)
  }
  return [...byOrder.values()].flatMap((events) => {
    const latest: number[] = []
    return [...events.values()]
      .sort((a, b) => a.offset - b.offset)
      .flatMap(({ id, steps }) => {
        const isEarly = steps.some((at, step) => at !== undefined && at < (latest[step] ?? -1))
        for (const [step, at] of steps.entries())
          if (at !== undefined) latest[step] = Math.max(latest[step] ?? -1, at)
        return isEarly ? [id] : []
      })
  })
}

interface Ordered extends Place {
  /** Where it lies in `dispatch`, and among all deliveries. */
  steps: readonly (number | undefined)[]
}
