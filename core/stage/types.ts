import type { ZenhookError } from '../errors/index.ts'
import type { Decision, Dispatch, Event, Hash, Position } from '../event/index.ts'
import type { Kv } from '../kv/port.ts'
import type { Snapshot } from '../registry/types.ts'

/** All that a stage may touch: no runtime, no network, no secret. */
export interface StageContext {
  /** Milliseconds since the epoch. */
  now(): number
  hash: Hash
  kv: Kv
  /** The registry as it stands; a stage takes it once per batch, so that one revision decides an event. */
  registry(): Snapshot
}

/** One event as a stage gets it. */
export interface Item {
  event: Event
  /** Where the event lies in `received`: with the event id, the owner of its dedupe claim. */
  position: Position
  /** `live`, or the id of a replay. */
  run: string
}

/**
 * A pure step: events in, outcomes out, one per event at the same index, each explained.
 * It never touches the log. It rejects only when the whole batch cannot be decided (the state store
 * is away): the runner then retries the batch. A record that fails alone is a `dead` outcome.
 */
export interface Stage {
  readonly name: string
  process(items: readonly Item[], signal: AbortSignal): Promise<readonly Outcome[]>
}

/** A decision before the runner completes it with id, stage, time and cost. */
export type Draft = Omit<Decision, 'id' | 'stage' | 'at' | 'tookMs'>

export type Step =
  | { kind: 'emit'; event: Event }
  | { kind: 'dispatch'; dispatches: readonly Dispatch[] }
  | {
      kind: 'drop'
      reason: string
      /**
       * The record is a further copy of an event that the log holds already. Its decisions are counted but
       * not published: they would share their ids with the first copy's, and take their place.
       */
      copy?: true
    }
  | { kind: 'retry'; afterMs: number; error: ZenhookError }
  | { kind: 'dead'; error: ZenhookError }

/** What happens to the event, and at least one decision that says why (route: one per dispatch). */
export type Outcome = Step & { decisions: readonly Draft[] }
