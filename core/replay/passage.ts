import { ZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import { type Dispatch, forceHeader, type Hash, replaysHeader, withFacts } from '../event/index.ts'
import type { StoredRecord } from '../log/port.ts'
import { type Fate, workBatch } from '../stage/batch.ts'
import { StageUnavailable } from '../stage/invoke.ts'
import { type DeathWork, writeOne } from '../stage/settle.ts'
import { createTally, type StageMetrics } from '../stage/tally.ts'
import type { Item, Outcome, Stage } from '../stage/types.ts'
import type { Restored } from './restore.ts'
import type { KnownDispatches, Piece } from './types.ts'

/** One record on its way through the chain again. */
export interface Passenger {
  record: StoredRecord
  /** Facts to enter with; none by default. */
  restored?: Restored
  /** How often it was replayed as a dead letter, this time included. */
  replays?: number
}

export interface PassageOptions {
  run: string
  by: string
  force: boolean
  /** Where it enters, as the audit names it. */
  from: string
  /** What else the audit says. */
  about?: Readonly<Record<string, unknown>>
  /** From the entry point on; the last makes dispatches. */
  stages: readonly Stage[]
  codec: Codec
  hash: Hash
  now(): number
  known: KnownDispatches
  metrics: StageMetrics | undefined
  signal: AbortSignal
}

/** What became of one passenger. */
export interface Passed {
  passenger: Passenger
  dispatches: readonly Dispatch[]
  /** Reason why nothing (more) is sent; absent where a dispatch was made. */
  skipped?: string
  died: boolean
  piece: Piece
}

export interface Passage {
  passed: readonly Passed[]
  /** Counts the batch; to be called once its outputs are in the log. */
  report(): void
}

interface Note {
  dispatches: readonly Dispatch[]
  skipped?: string
  died: boolean
}

/** All of them, in order. Rejects with the cause when a stage cannot decide now, or a schema cannot be read now. */
export const pass = async (
  passengers: readonly Passenger[],
  options: PassageOptions,
): Promise<Passage> => {
  const { run, codec, hash, now, signal } = options
  const tally = createTally(options.metrics)
  const notes = new Map<string, Note>()
  const records = passengers.map(({ record }) => ({
    ...record,
    headers: { ...record.headers, run },
  }))
  const fates = await workBatch(records, {
    codec,
    hash,
    now,
    stages: watched(passengers, options, notes),
    to: 'dispatch',
    tally,
    signal,
    mayWait: () => true,
  }).catch((error: unknown) => {
    throw error instanceof StageUnavailable ? error.cause : error
  })
  // A job has no order that others wait for: the whole step is made again.
  if (fates.some(({ retryAt }) => retryAt !== undefined)) {
    throw new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', { retriable: true })
  }
  return {
    passed: fates.flatMap((fate, index) => {
      const passenger = passengers[index]
      return passenger === undefined
        ? []
        : [passedOf(fate, passenger, notes, options, { codec, hash, now, tally })]
    }),
    report: () => tally.report(),
  }
}

const keyOf = ({ topic, partition, offset }: Item['position']): string =>
  `${topic}/${partition}/${offset}`

const passedOf = (
  fate: Fate,
  passenger: Passenger,
  notes: ReadonlyMap<string, Note>,
  { force, stages }: PassageOptions,
  work: DeathWork,
): Passed => {
  // With topics between the stages the record is not where the event lies.
  const note = notes.get(keyOf(fate.item?.position ?? fate.record))
  const headers = {
    ...(force ? { [forceHeader]: '1' } : {}),
    ...(passenger.replays === undefined ? {} : { [replaysHeader]: String(passenger.replays) }),
  }
  const outputs = fate.outputs.map((output) =>
    output.topic === 'dispatch'
      ? { ...output, headers: { ...output.headers, ...headers } }
      : output,
  )
  const dispatches = note?.dispatches ?? []
  const stage = stages.at(-1)?.name ?? 'replay'
  // Without a note it never came to a stage: it cannot be decoded.
  const died = note?.died ?? true
  return {
    ...{ passenger, dispatches, died },
    ...(note?.skipped === undefined ? {} : { skipped: note.skipped }),
    piece: {
      outputs,
      counts: {
        replayed: died || note?.skipped !== undefined ? 0 : 1,
        dispatched: dispatches.length,
      },
      alone: (log) => writeOne((some) => log.append(some), { ...fate, outputs }, stage, work, log),
    },
  }
}

/** The stages, led by the audit, with an eye on what each event comes to. */
const watched = (
  passengers: readonly Passenger[],
  options: PassageOptions,
  notes: Map<string, Note>,
): readonly Stage[] => {
  const restored = new Map(passengers.map(({ record, restored }) => [keyOf(record), restored]))
  const { by, force, from, about, stages } = options
  const audit: Stage = {
    name: 'replay',
    process: async (items) =>
      items.map(({ event, position }): Outcome => {
        const found = restored.get(keyOf(position))
        return {
          kind: 'emit',
          event: withFacts(event, found?.facts ?? event.facts),
          decisions: [
            {
              verdict: 'pass',
              reason: 'replayed',
              details: {
                by,
                from,
                ...(force ? { force } : {}),
                ...(found === undefined ? {} : { facts: found.source }),
                ...about,
              },
            },
          ],
        }
      }),
  }
  const noting = (stage: Stage): Stage => ({
    name: stage.name,
    async process(items, signal) {
      const made = await stage.process(items, signal)
      const outcomes = stage === stages.at(-1) ? await withoutDelivered(made, options) : made
      for (const [index, { position }] of items.entries()) {
        const outcome = outcomes[index]
        if (outcome !== undefined) notes.set(keyOf(position), noteOf(outcome))
      }
      return outcomes
    },
  })
  return [audit, ...stages.map(noting)]
}

const noteOf = (outcome: Outcome): Note => ({
  dispatches: outcome.kind === 'dispatch' ? outcome.dispatches : [],
  ...(outcome.kind === 'drop' ? { skipped: outcome.reason } : {}),
  died: outcome.kind === 'dead',
})

export const alreadyDelivered = 'already_delivered'

/** Takes out what a destination has; the connectors would refuse it too, but here it costs nothing. */
const withoutDelivered = async (
  outcomes: readonly Outcome[],
  { force, known }: Pick<PassageOptions, 'force' | 'known'>,
): Promise<readonly Outcome[]> => {
  if (force) return outcomes
  const ids = outcomes.flatMap((outcome) =>
    outcome.kind === 'dispatch' ? outcome.dispatches.map(({ id }) => id) : [],
  )
  const found = await known(ids)
  const delivered = new Set(ids.filter((_, index) => found[index]?.delivered === true))
  if (delivered.size === 0) return outcomes
  return outcomes.map((outcome): Outcome => {
    if (outcome.kind !== 'dispatch') return outcome
    const dispatches = outcome.dispatches.filter(({ id }) => !delivered.has(id))
    if (dispatches.length === outcome.dispatches.length) return outcome
    const decisions = outcome.decisions.map((draft) =>
      delivered.has(draft.dispatchId ?? '')
        ? { ...draft, verdict: 'delivered' as const, reason: alreadyDelivered }
        : draft,
    )
    return dispatches.length > 0
      ? { kind: 'dispatch', dispatches, decisions }
      : { kind: 'drop', reason: alreadyDelivered, decisions }
  })
}
