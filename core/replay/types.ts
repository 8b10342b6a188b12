import type { EventStatus } from '../decisions/status.ts'
import type { Position } from '../event/index.ts'
import type { Log, NewRecord } from '../log/port.ts'

/** Where an event enters the chain again; `start` is before dedupe, `deliver` repeats what was decided. */
export const entries = ['start', 'dedupe', 'enrich', 'score', 'route', 'deliver'] as const
export type EntryPoint = (typeof entries)[number]

/** Whoever asks: what an audit names, and the one tenant it may reach where it is bound to one. */
export interface Caller {
  /** Name of the token, or `admin`. */
  name: string
  tenant?: string
}

export interface EventFilter {
  tenant?: string
  source?: string
  type?: string
  status?: EventStatus
  /** Events that were dispatched to it. */
  destination?: string
  /** Received at or after, ms. */
  since?: number
  /** Received before, ms; when the replay was made by default. */
  until?: number
}

export interface DeadFilter {
  tenant?: string
  source?: string
  destination?: string
  stage?: string
  /** The cause: an error code. */
  code?: string
  /** Died at or after, ms. */
  since?: number
  /** Died before, ms. */
  until?: number
}

interface Common {
  /** Exactly these; without, what the filter finds. */
  ids?: readonly string[]
  /** Events per second, at most. */
  rate: number
  /** Also what a destination has, what is a duplicate, what was replayed too often. */
  force: boolean
}

export interface EventReplay extends Common {
  kind: 'events'
  filter: EventFilter
  from: EntryPoint
  /** Straight to this destination instead of by the routes. */
  to?: string
}

export interface DeadReplay extends Common {
  kind: 'dead'
  filter: DeadFilter
}

export type ReplaySpec = EventReplay | DeadReplay

export const jobStates = ['queued', 'running', 'paused', 'done', 'cancelled', 'failed'] as const
export type JobState = (typeof jobStates)[number]

export interface Progress {
  /** Events or dead letters looked at. */
  seen: number
  /** Those that went into the pipeline again. */
  replayed: number
  /** Dispatches that came of them, so far as the replay itself made them. */
  dispatched: number
  /** By reason. */
  skipped: Readonly<Record<string, number>>
  /** Those that died in a stage again. */
  died: number
  /** What the log does not retain any more, or never held. */
  missing: number
  /** Their ids, the first so many. */
  missingIds: readonly string[]
}

export const noProgress: Progress = {
  seen: 0,
  replayed: 0,
  dispatched: 0,
  skipped: {},
  died: 0,
  missing: 0,
  missingIds: [],
}

/** Reason of the decision that gives a dead letter up. */
export const discardedReason = 'discarded'

/** Ids of what is missing that a job keeps; the log lines name all. */
export const maxMissingIds = 1_000

export interface ReplayJob {
  /** The run of everything that it sends. */
  id: string
  state: JobState
  by: string
  /** The one tenant that its maker may reach. */
  tenant?: string
  createdAt: number
  startedAt?: number
  endedAt?: number
  /** What the selection held when it was made: an upper bound of what is replayed. */
  candidates: number
  /** Records of `received` that the tables had not stored when it was made: the selection cannot see them. */
  unstored: number
  progress: Progress
  /** The times of receipt between which its events lie, ms. */
  range?: { from: number; to: number }
  /** Why it failed. */
  error?: string
}

/** A job with what it was asked for. */
export interface Replay extends ReplayJob {
  spec: ReplaySpec
}

/** What a replay would do; nothing was changed. */
export interface ReplayPlan {
  candidates: number
  unstored: number
  /** Looked at in full: all, or the first so many. */
  examined: number
  /** Of the examined. */
  replayed: number
  dispatched: number
  skipped: Readonly<Record<string, number>>
  died: number
  missing: number
  missingIds: readonly string[]
  sample: readonly PlannedEvent[]
}

export interface PlannedEvent {
  id: string
  tenant: string
  source: string
  type: string
  receivedAt: number
  /** Where it would be sent. */
  to: readonly string[]
}

/** What the connectors know about a dispatch. */
export interface KnownDispatch {
  delivered: boolean
  /** The record of `dispatch` that was last attempted. */
  position?: Position
  /** The run that was at it last. */
  run: string
}

/** By dispatch id, index by index. */
export type KnownDispatches = (
  ids: readonly string[],
) => Promise<readonly (KnownDispatch | undefined)[]>

/** What is to be written of one event, or of one letter. */
export interface Piece {
  outputs: readonly NewRecord[]
  /** What the progress counts it as. */
  counts: Pick<Progress, 'replayed' | 'dispatched'>
  /** Id of the letter. */
  letter?: string
  /** Writes it apart from the others; false: its topic refuses it, and it died. */
  alone(log: Pick<Log, 'append'>): Promise<boolean>
}

/** What one step of a job did, once its pieces are written. */
export interface Step {
  progress: Progress
  pieces: readonly Piece[]
  /** Counts it, once it is written. */
  report(): void
  /** Where the next step goes on; opaque, JSON. */
  cursor: unknown
  /** Nothing is left. */
  over: boolean
  range?: { from: number; to: number }
}

export const addProgress = (a: Progress, b: Progress): Progress => {
  const skipped: Record<string, number> = { ...a.skipped }
  for (const [reason, n] of Object.entries(b.skipped)) skipped[reason] = (skipped[reason] ?? 0) + n
  return {
    seen: a.seen + b.seen,
    replayed: a.replayed + b.replayed,
    dispatched: a.dispatched + b.dispatched,
    skipped,
    died: a.died + b.died,
    missing: a.missing + b.missing,
    missingIds: [...a.missingIds, ...b.missingIds].slice(0, maxMissingIds),
  }
}
