import { isZenhookError } from '../errors/index.ts'
import {
  type Dead,
  type Decision,
  type Dispatch,
  decisionIdOf,
  type Event,
  forceHeader,
  replaysHeader,
} from '../event/index.ts'
import type { NewRecord, StoredRecord } from '../log/port.ts'
import { decisionsRecord, headersOf } from '../stage/records.ts'
import { isTooLarge } from '../stage/settle.ts'
import type { Stage } from '../stage/types.ts'
import type { ReplayContext } from './context.ts'
import { fits, type Letter, type LetterRange, lettersIn, type Mark, withStates } from './letters.ts'
import { alreadyDelivered, type Passenger, pass } from './passage.ts'
import { placeOf, recordsAt } from './retained.ts'
import {
  type DeadReplay,
  type EntryPoint,
  noProgress,
  type Piece,
  type PlannedEvent,
  type Progress,
  type Step,
} from './types.ts'
import { again, splitAt } from './ways.ts'

/** A letter that died under so many replays is not replayed again, unless it is forced. */
export const maxReplays = 5

/** Where a look through the topic stands. */
export interface DeadCursor {
  ranges: readonly LetterRange[]
  /** Ids that were asked for and not met yet. */
  left?: readonly string[]
}

export interface DeadStepOptions {
  context: ReplayContext
  stages: readonly Stage[]
  spec: DeadReplay
  run: string
  by: string
  tenant?: string
  cursor: DeadCursor
  /** Letters replayed at most. */
  limit: number
  signal: AbortSignal
  /** Receives what would be sent where, before the step resolves. */
  onSent?(event: PlannedEvent): void
}

export interface DeadStep extends Step {
  /** To be written once the pieces are in the log. */
  marks: ReadonlyMap<string, Mark>
  cursor: DeadCursor
}

/** Letters looked at in one step at most, so that a step ends where few fit. */
const mostLookedAt = 2_000

/** The next letters of a walk through the topic that fit, and where it goes on. */
const nextLetters = async ({
  context: { log, codec },
  spec,
  tenant,
  cursor,
  limit,
  signal,
}: DeadStepOptions): Promise<{ found: Dead[]; cursor: DeadCursor; over: boolean }> => {
  const wanted = spec.ids === undefined ? undefined : new Set(spec.ids)
  const caller = tenant === undefined ? {} : { tenant }
  const found: Dead[] = []
  let looked = 0
  const ranges = [...cursor.ranges]
  let left = cursor.left
  for (let range = ranges[0]; range !== undefined; range = ranges[0]) {
    let at = range.from
    for await (const { offset, dead } of lettersIn(log, codec, range, signal)) {
      at = offset + 1
      looked += 1
      if (dead !== undefined && fits(dead, spec.filter, caller) && wanted?.has(dead.id) !== false) {
        found.push(dead)
        left = left?.filter((id) => id !== dead.id)
      }
      if (found.length >= limit || looked >= mostLookedAt) break
    }
    signal.throwIfAborted()
    const full = found.length >= limit || looked >= mostLookedAt
    if (full && at < range.to) ranges[0] = { ...range, from: at }
    else ranges.shift()
    if (full) break
  }
  const over = ranges.length === 0
  return { found, cursor: { ranges, ...(left === undefined ? {} : { left }) }, over }
}

/** The last record of each id: an earlier one tells less. */
const latest = (letters: readonly Dead[]): readonly Dead[] => [
  ...new Map(letters.map((dead) => [dead.id, dead])).values(),
]

/** What the step makes, piece by piece. */
interface Making {
  options: DeadStepOptions
  pieces: Piece[]
  marks: Map<string, Mark>
  skipped: Record<string, number>
  missing: string[]
  replayed: number
  dispatched: number
  died: number
}

/** Takes the next letters back into the pipeline. Made again after a crash it makes the same records. */
export const deadStep = async (options: DeadStepOptions): Promise<DeadStep> => {
  const { context, run, spec } = options
  const { found, cursor, over } = await nextLetters(options)
  const letters = await withStates(context.kv, context.known, latest(found))
  const making: Making = {
    options,
    pieces: [],
    marks: new Map(),
    skipped: {},
    missing: over ? [...(cursor.left ?? [])] : [],
    replayed: 0,
    dispatched: 0,
    died: 0,
  }
  const fresh = letters.filter((letter) => {
    const reason = spec.force && letter.state !== 'discarded' ? undefined : refusalOf(letter)
    // The same job met it already: a further record of the letter, or a step made again.
    const mine = letter.mark?.replay === run
    if (mine || reason === undefined) return !mine
    skip(making, reason)
    return false
  })
  const withBytes = await complete(making, fresh)
  for (const { letter, record } of withBytes.filter(({ record }) => record.topic === 'dispatch'))
    await sendAgain(making, letter, record)
  const report = await passAgain(
    making,
    withBytes.filter(({ record }) => entryOf(record.topic) !== undefined),
  )
  const progress: Progress = {
    ...noProgress,
    seen: letters.length + making.missing.length,
    replayed: making.replayed,
    dispatched: making.dispatched,
    skipped: making.skipped,
    died: making.died,
    missing: making.missing.length,
    missingIds: making.missing,
  }
  const { pieces, marks } = making
  return { progress, cursor, over, pieces, marks, report }
}

const skip = ({ skipped }: Making, reason: string): void => {
  skipped[reason] = (skipped[reason] ?? 0) + 1
}

const refusalOf = ({ state, mark, replays }: Letter): string | undefined => {
  if (state === 'discarded') return 'discarded'
  if (state === 'replayed') return mark === undefined ? alreadyDelivered : 'already_replayed'
  return replays >= maxReplays ? 'replay_limit' : undefined
}

/** Which topic of the chain enters where. */
const entryOf = (topic: string): EntryPoint | undefined =>
  (({ received: 'start', unique: 'enrich', enriched: 'score', scored: 'route' }) as const)[
    topic as 'received'
  ]

interface Whole {
  letter: Letter
  record: StoredRecord
}

/** The record that died, as it was; where the letter only points to it, from the log. */
const complete = async (making: Making, letters: readonly Letter[]): Promise<readonly Whole[]> => {
  const { context, signal } = making.options
  const pointers = letters.filter(({ dead }) => dead.original.length === 0 && hasOrigin(dead))
  const records = await recordsAt(
    context.log,
    pointers.map(({ dead }) => dead.origin),
    signal,
  )
  return letters.flatMap((letter): Whole[] => {
    const { dead } = letter
    if (!hasOrigin(dead)) {
      skip(making, 'not_replayable')
      return []
    }
    const value =
      dead.original.length > 0 ? dead.original : records.get(placeOf(dead.origin))?.value
    if (value === undefined || value === null) {
      making.missing.push(dead.id)
      return []
    }
    const record = {
      ...dead.origin,
      key: null,
      value,
      headers: dead.originHeaders,
      timestamp: dead.at,
    }
    return [{ letter, record }]
  })
}

/** A record of the chain or of `dispatch`; what the sink could not store is not repeated by sending it. */
const hasOrigin = ({ origin, stage, code }: Dead): boolean =>
  stage !== 'sink' &&
  code !== 'ZENHOOK_LOG_GAP' &&
  (origin.topic === 'dispatch' || entryOf(origin.topic) !== undefined)

const markOf = ({ options }: Making, letter: Letter, state: 'replayed' | 'open'): Mark => ({
  state,
  by: options.by,
  at: options.context.now(),
  replay: options.run,
  replays: letter.replays + 1,
})

/** A dispatch that died: the same dispatch under the replay's run. */
const sendAgain = async (making: Making, letter: Letter, record: StoredRecord): Promise<void> => {
  const { context, run, by, spec } = making.options
  const { codec, hash, now } = context
  let dispatch: Dispatch
  try {
    dispatch = again(await codec.decode('dispatch', record.value ?? new Uint8Array()), run, now())
  } catch (error) {
    if (isZenhookError(error) && error.retriable) throw error
    making.died += 1
    return
  }
  const headers = headersOf(hash, dispatch.event, run, record)
  const details = { by, deadLetter: letter.dead.id, replays: letter.replays + 1 }
  // The decision after what it tells of.
  const outputs = [
    {
      topic: 'dispatch',
      key: dispatch.key,
      value: codec.encode('dispatch', dispatch),
      headers: {
        ...headers,
        [replaysHeader]: String(letter.replays + 1),
        ...(spec.force ? { [forceHeader]: '1' } : {}),
      },
    },
    decisionRecord(context, dispatch.event, run, {
      stage: 'replay',
      verdict: 'pass',
      reason: 'replayed',
      route: dispatch.route,
      destination: dispatch.destination,
      dispatchId: dispatch.id,
      at: now(),
      tookMs: 0,
      details: spec.force ? { ...details, force: true } : details,
    }),
  ]
  making.pieces.push({
    outputs,
    letter: letter.dead.id,
    counts: { replayed: 1, dispatched: 1 },
    async alone(log) {
      try {
        for (const output of outputs) await log.append([output])
        return true
      } catch (error) {
        // The letter stays: it says all that another one would.
        if (!isTooLarge(error)) throw error
        return false
      }
    },
  })
  making.marks.set(letter.dead.id, markOf(making, letter, 'replayed'))
  making.replayed += 1
  making.dispatched += 1
  tell(making, [dispatch])
}

const tell = ({ options }: Making, dispatches: readonly Dispatch[]): void => {
  const event = dispatches[0]?.event
  if (event === undefined) return
  const { id, tenant, source, type, receivedAt } = event
  const to = dispatches.map(({ destination }) => destination)
  options.onSent?.({ id, tenant, source, type, receivedAt, to })
}

export const decisionRecord = (
  { codec, hash }: Pick<ReplayContext, 'codec' | 'hash'>,
  about: Pick<Event, 'id' | 'tenant' | 'source' | 'type' | 'receivedAt'>,
  run: string,
  made: Omit<Decision, 'id'>,
): NewRecord => {
  const { id, type, tenant, source } = about
  const decision = { ...made, id: decisionIdOf(hash, id, made, run) }
  return decisionsRecord(codec, about, run, [decision], { id, type, tenant, source, run })
}

/** Events that died in a stage: through the chain again, from the stage that reads their topic. */
const passAgain = async (making: Making, wholes: readonly Whole[]): Promise<() => void> => {
  const { context, run, by, spec, stages, signal } = making.options
  const reports: (() => void)[] = []
  for (const topic of new Set(wholes.map(({ record }) => record.topic))) {
    const some = wholes.filter(({ record }) => record.topic === topic)
    const from = entryOf(topic) ?? 'start'
    const passengers = some.map(
      ({ letter, record }): Passenger => ({ record, replays: letter.replays + 1 }),
    )
    const { passed, report } = await pass(passengers, {
      ...context,
      ...{ run, by, from, signal },
      force: spec.force,
      about: { deadLetter: true },
      stages: splitAt(stages, from).after,
      metrics: context.metrics,
    })
    reports.push(report)
    for (const [index, one] of passed.entries()) {
      const letter = some[index]?.letter
      if (letter === undefined) continue
      making.pieces.push({ ...one.piece, letter: letter.dead.id })
      making.dispatched += one.dispatches.length
      tell(making, one.dispatches)
      making.marks.set(letter.dead.id, markOf(making, letter, one.died ? 'open' : 'replayed'))
      if (one.died) making.died += 1
      else if (one.skipped !== undefined) skip(making, one.skipped)
      else making.replayed += 1
    }
  }
  return () => {
    for (const report of reports) report()
  }
}
