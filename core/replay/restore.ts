import type { Decisions } from '../decisions/port.ts'
import type { Codec } from '../event/codec/index.ts'
import { type Dispatch, type Event, withFacts } from '../event/index.ts'
import type { Log } from '../log/port.ts'
import type { Stage } from '../stage/types.ts'
import { dispatchOf, placeOf, recordsAt } from './retained.ts'
import { decidedFacts, type Selected, type Standing } from './select.ts'
import type { KnownDispatches } from './types.ts'

export interface RestoreOptions {
  log: Log
  codec: Codec
  decisions: Decisions
  known: KnownDispatches
}

/** The dispatches of a page of events as they were decided, by event id, as far as the log retains them. */
export const decidedDispatches = async (
  { log, codec, known }: RestoreOptions,
  standings: ReadonlyMap<string, Standing>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Dispatch[]>> => {
  const wanted = [...standings].flatMap(([eventId, { dispatches }]) =>
    dispatches.map(({ id }) => ({ eventId, id })),
  )
  const found = await known(wanted.map(({ id }) => id))
  const positions = found.flatMap((each) => each?.position ?? [])
  const records = await recordsAt(log, positions, signal)
  const dispatches = new Map<string, Dispatch[]>()
  for (const [index, { eventId, id }] of wanted.entries()) {
    const position = found[index]?.position
    if (position === undefined) continue
    const dispatch = await dispatchOf(codec, records.get(placeOf(position)), id)
    if (dispatch?.event.id !== eventId) continue
    dispatches.set(eventId, [...(dispatches.get(eventId) ?? []), dispatch])
  }
  return dispatches
}

/** Facts that earlier stages had found, and where they come from. */
export interface Restored {
  facts: Event['facts']
  /** `recorded`: as they went out; `recomputed`: by the present mappings, under what the decisions say. */
  source: 'recorded' | 'recomputed'
}

export interface FactsWanted {
  events: readonly { selected: Selected; event: Event }[]
  /** Their dispatches, by event id. */
  decided: ReadonlyMap<string, readonly Dispatch[]>
  /** The stages whose facts are wanted, to find anew what was not recorded. */
  stages: readonly Stage[]
  signal: AbortSignal
}

const ofScore = new Set(['urgency', 'model', 'degraded'])

/**
 * The facts of each event as they stood before the entry point: from its dispatch where it had one, else
 * found anew by the same pure stages, with what the decision tables recorded laid over.
 */
export const restoreFacts = async (
  { decisions }: Pick<RestoreOptions, 'decisions'>,
  { events, decided, stages, signal }: FactsWanted,
): Promise<ReadonlyMap<string, Restored>> => {
  const restored = new Map<string, Restored>()
  const scored = stages.some(({ name }) => name === 'score')
  const before = (facts: Event['facts']): Event['facts'] =>
    scored
      ? facts
      : Object.fromEntries(Object.entries(facts).filter(([name]) => !ofScore.has(name)))
  const unknown = events.filter(({ selected: { id } }) => {
    const facts = decided.get(id)?.[0]?.event.facts
    if (facts !== undefined) restored.set(id, { facts: before(facts), source: 'recorded' })
    return facts === undefined
  })
  if (unknown.length === 0) return restored
  const told = await decidedFacts(
    decisions,
    unknown.map(({ selected }) => selected),
  )
  const found = await anew(
    unknown.map(({ event }) => event),
    stages,
    signal,
  )
  for (const [index, { selected }] of unknown.entries()) {
    const facts = { ...found[index]?.facts, ...told.get(selected.id) }
    restored.set(selected.id, { facts: before(facts), source: 'recomputed' })
  }
  return restored
}

const anew = async (
  events: readonly Event[],
  stages: readonly Stage[],
  signal: AbortSignal,
): Promise<readonly Event[]> => {
  let present = events.map((event) => withFacts(event, {}))
  for (const stage of stages) {
    const items = present.map((event) => ({ event, position: noPosition, run: 'facts' }))
    const outcomes = await stage.process(items, signal)
    present = present.map((event, index) => {
      const outcome = outcomes[index]
      return outcome?.kind === 'emit' ? outcome.event : event
    })
  }
  return present
}

const noPosition = { topic: 'received', partition: 0, offset: 0 }
