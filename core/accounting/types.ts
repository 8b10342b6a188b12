import type { End } from '../decisions/ends.ts'
import type { Position } from '../event/index.ts'
import type { Gap } from '../log/port.ts'

/** One record of `received`, by its headers alone. */
export interface Receipt {
  /** Event id; where a record has none, its position in words. */
  id: string
  /** `live`, or the id of a replay. */
  run: string
  tenant: string
  source: string
  partition: number
  offset: number
  /** When the event was received, ms: its id says so. */
  at: number
  /** The record's own time, ms; `at` but for a replay. */
  stamp: number
}

/**
 * What has not ended, and why not yet. `pending`: it is young, or what could prove its end is behind.
 * `retrying`: an attempt is due later. `waiting`: a dispatch lies in the log for its turn.
 */
export type OpenState = 'pending' | 'retrying' | 'waiting'

/**
 * Why an event is unaccounted for. `undecided`: the stages are past it, and no decision tells what became
 * of it. `dispatch_lost`, `retry_lost`: the connectors are past its dispatch, which has no end and waits
 * nowhere. `contradiction`: a dispatch has more ends than one, or both the event and a dispatch ended.
 */
export type Cause = 'undecided' | 'dispatch_lost' | 'retry_lost' | 'contradiction'

export interface Unaccounted {
  id: string
  tenant: string
  source: string
  run: string
  /** RFC 3339. */
  receivedAt: string
  position: Position
  cause: Cause
  /** The dispatches in question; none where the event itself is. */
  dispatches: readonly string[]
}

export type Counts = Record<End, number>

export const noCounts = (): Counts => ({ delivered: 0, partial: 0, dropped: 0, dead: 0 })

export const addCounts = (to: Counts, more: Readonly<Counts>): void => {
  to.delivered += more.delivered
  to.partial += more.partial
  to.dropped += more.dropped
  to.dead += more.dead
}

export type OpenCounts = Record<OpenState, number>

/** Records that retention removed before anybody accounted for them. */
export type Missed = Omit<Gap, 'group'>

/** A group and the topic that it reads. */
export interface Hop {
  group: string
  topic: string
}

/** The way of an event through the log, as far as accounting must know it. */
export interface Flow {
  /** The ways from `received` to `dispatch` that a deployment may run; the one that has got furthest counts. */
  chains: readonly (readonly Hop[])[]
  deliver: Hop
  /** Where retries wait, for logs that have no delays of their own. */
  delays: { group: string; topics: readonly string[] }
  sink: Hop
}
