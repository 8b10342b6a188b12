import type { Dispatch } from '../event/index.ts'
import type { Stage } from '../stage/types.ts'
import type { ReplayContext } from './context.ts'
import { type Passed, type Passenger, pass } from './passage.ts'
import { decidedDispatches, restoreFacts } from './restore.ts'
import { eventOf, placeOf, recordsAt } from './retained.ts'
import {
  type EventCursor,
  eventsById,
  nextEvents,
  type Selected,
  type Standing,
  standings,
} from './select.ts'
import { discardedReason, type EventReplay, noProgress, type Progress, type Step } from './types.ts'
import { asDecided, splitAt, straightTo } from './ways.ts'

export interface EventStepOptions {
  context: ReplayContext
  /** The chain's stages; over forgotten claims when nothing may be changed. */
  stages: readonly Stage[]
  spec: EventReplay
  run: string
  by: string
  tenant?: string
  cursor: unknown
  limit: number
  signal: AbortSignal
  /** Receives what each event came to, before the step resolves. */
  onPassed?(selected: Selected, passed: Passed): void
}

type Skips = Record<string, number>

const cursorOf = (cursor: unknown): EventCursor | undefined =>
  (cursor ?? undefined) as EventCursor | undefined

/**
 * Takes the next events of the selection through the chain, and gives what is to be written. A step that is
 * made again after a crash makes the same records under the same ids: they count once wherever they arrive.
 */
export const eventStep = async (options: EventStepOptions): Promise<Step> => {
  const { context, spec, cursor, limit, tenant } = options
  const caller = tenant === undefined ? {} : { tenant }
  const { events, over, unknown, next } =
    spec.ids === undefined
      ? await page(context, spec, caller, cursorOf(cursor), limit)
      : await listed(context, spec, spec.ids, caller, Number(cursor ?? 0), limit)
  const skipped: Skips = {}
  const wanted = await chosen(context, spec, events, skipped)
  const { passengers, missing, decided } = await boarded(options, wanted, skipped)
  const { passed, report } = await pass(
    passengers.map(({ passenger }) => passenger),
    {
      ...context,
      run: options.run,
      by: options.by,
      force: spec.force,
      from: spec.from,
      ...(spec.to === undefined ? {} : { about: { to: spec.to } }),
      stages: onward(options, decided),
      metrics: context.metrics,
      signal: options.signal,
    },
  )
  for (const [index, one] of passed.entries()) {
    const selected = passengers[index]?.selected
    if (selected !== undefined) options.onPassed?.(selected, one)
  }
  const gone = [...unknown, ...missing]
  const times = events.map(({ receivedAt }) => receivedAt)
  return {
    progress: tallied(events.length + unknown.length, passed, skipped, gone),
    cursor: next,
    over,
    ...(times.length === 0 ? {} : { range: { from: Math.min(...times), to: Math.max(...times) } }),
    pieces: passed.map(({ piece }) => piece),
    report,
  }
}

interface Page {
  events: readonly Selected[]
  over: boolean
  /** Ids that nothing is known of. */
  unknown: readonly string[]
  next: unknown
}

const page = async (
  { decisions }: ReplayContext,
  { filter }: EventReplay,
  caller: { tenant?: string },
  after: EventCursor | undefined,
  limit: number,
): Promise<Page> => {
  const events = await nextEvents(decisions, filter, caller, after, limit)
  const last = events.at(-1)
  const next = last === undefined ? after : { receivedAt: last.receivedAt, id: last.id }
  return { events, over: events.length < limit, unknown: [], next }
}

const listed = async (
  { decisions }: ReplayContext,
  { filter }: EventReplay,
  ids: readonly string[],
  caller: { tenant?: string },
  from: number,
  limit: number,
): Promise<Page> => {
  const some = ids.slice(from, from + limit)
  const events = await eventsById(decisions, some, filter, caller)
  const known = new Set(events.map(({ id }) => id))
  const next = from + some.length
  return { events, over: next >= ids.length, unknown: some.filter((id) => !known.has(id)), next }
}

interface Wanted {
  events: readonly Selected[]
  standings: ReadonlyMap<string, Standing>
}

/** Those of the page that the filter means; duplicates and what was given up only where they are named, or forced. */
const chosen = async (
  { decisions }: ReplayContext,
  spec: EventReplay,
  events: readonly Selected[],
  skipped: Skips,
): Promise<Wanted> => {
  const found = await standings(decisions, events)
  const { status, destination } = spec.filter
  const wanted = events.filter(({ id }) => {
    const standing = found.get(id)
    if (status !== undefined && standing?.status !== status) return false
    if (
      destination !== undefined &&
      !standing?.dispatches.some((each) => each.destination === destination)
    )
      return false
    if (spec.ids !== undefined || spec.force) return true
    if (standing?.duplicate === true) count(skipped, 'duplicate')
    else if (standing?.discarded === true) count(skipped, discardedReason)
    else return true
    return false
  })
  return { events: wanted, standings: new Map(wanted.map(({ id }) => [id, standingIn(found, id)])) }
}

const standingIn = (found: ReadonlyMap<string, Standing>, id: string): Standing =>
  found.get(id) ?? { status: 'accepted', duplicate: false, discarded: false, dispatches: [] }

const count = (skips: Skips, reason: string): void => {
  skips[reason] = (skips[reason] ?? 0) + 1
}

type Decided = ReadonlyMap<string, readonly Dispatch[]>

interface Boarded {
  passengers: { selected: Selected; passenger: Passenger }[]
  missing: string[]
  decided: Decided
}

/** Reads the events back from the log; those that enter later get what earlier stages had found. */
const boarded = async (
  { context, stages, spec, signal }: EventStepOptions,
  { events, standings }: Wanted,
  skipped: Skips,
): Promise<Boarded> => {
  const { log, codec } = context
  const positions = events.map(({ position }) => position)
  const records = await recordsAt(log, positions, signal)
  const held = []
  const missing: string[] = []
  for (const selected of events) {
    const record = records.get(placeOf(selected.position))
    const event = await eventOf(codec, record, selected.id)
    if (record === undefined || event === undefined) missing.push(selected.id)
    else held.push({ selected, record, event })
  }
  const { before } = splitAt(stages, spec.from)
  const finders = before.filter(({ name }) => name === 'enrich' || name === 'score')
  if (finders.length === 0) {
    const plain = held.map(({ selected, record }) => ({ selected, passenger: { record } }))
    return { passengers: plain, missing, decided: new Map() }
  }
  const decided = await decidedDispatches(context, standings, signal)
  const restored = await restoreFacts(context, { events: held, decided, stages: finders, signal })
  const passengers: Boarded['passengers'] = []
  for (const { selected, record } of held) {
    if (repeats(spec)) {
      const there = fitting(spec, decided.get(selected.id)).length
      const all = fitting(spec, standings.get(selected.id)?.dispatches).length
      if (there === 0) {
        count(skipped, 'no_dispatch')
        continue
      }
      for (let missed = there; missed < all; missed += 1) count(skipped, 'dispatch_unknown')
    }
    const found = restored.get(selected.id)
    const passenger = { record, ...(found === undefined ? {} : { restored: found }) }
    passengers.push({ selected, passenger })
  }
  return { passengers, missing, decided }
}

/** Sends what was decided once more, instead of deciding again. */
const repeats = ({ from, to }: EventReplay): boolean => from === 'deliver' && to === undefined

const fitting = <D extends { destination: string }>(
  { filter }: EventReplay,
  dispatches: readonly D[] = [],
): readonly D[] =>
  filter.destination === undefined
    ? dispatches
    : dispatches.filter(({ destination }) => destination === filter.destination)

/** The stages from the entry point on, the last of which makes dispatches. */
const onward = (
  { context, stages, spec }: EventStepOptions,
  decided: Decided,
): readonly Stage[] => {
  const { after } = splitAt(stages, spec.from)
  if (spec.to !== undefined) {
    return [...after.filter(({ name }) => name !== 'route'), straightTo(context, spec.to)]
  }
  if (!repeats(spec)) return after
  const fit = [...decided].map(([id, list]) => [id, fitting(spec, list)] as const)
  return [asDecided(context, new Map(fit))]
}

export const tallied = (
  seen: number,
  passed: readonly Passed[],
  skips: Skips,
  missingIds: readonly string[],
): Progress => {
  const skipped: Skips = { ...skips }
  let [replayed, dispatched, died] = [0, 0, 0]
  for (const one of passed) {
    if (one.died) died += 1
    else if (one.skipped !== undefined) count(skipped, one.skipped)
    else replayed += 1
    dispatched += one.dispatches.length
  }
  return {
    ...noProgress,
    seen,
    replayed,
    dispatched,
    died,
    skipped,
    missing: missingIds.length,
    missingIds,
  }
}
