import { isZenhookError } from '../errors/index.ts'
import type { Codec } from '../event/codec/index.ts'
import { type Dead, isLaterRun, liveRun, type Position, replaysHeader } from '../event/index.ts'
import type { Kv } from '../kv/port.ts'
import type { Log } from '../log/port.ts'
import { placeOf, recordsAt } from './retained.ts'
import type { Caller, DeadFilter, KnownDispatches } from './types.ts'

/** `open`: nobody has seen to it; `replayed`: it is on its way again, or got there; `discarded`: given up. */
export const letterStates = ['open', 'replayed', 'discarded'] as const
export type LetterState = (typeof letterStates)[number]

/** What was done about a dead letter, in keyed state. */
export interface Mark {
  state: LetterState
  by: string
  at: number
  /** The replay that took it along. */
  replay?: string
  /** Why it was discarded. */
  reason?: string
  /** How often it was replayed. */
  replays: number
}

export interface Letter {
  dead: Dead
  state: LetterState
  /** How often what died had been replayed before. */
  replays: number
  mark?: Mark
}

/** A letter of a list: without its bytes, which may be many; `wholeLetters` reads them. */
export interface ListedLetter extends Letter {
  place: Position
}

const day = 24 * 3_600_000
/** Longer than the topic keeps its letters. */
const markTtlMs = 31 * day
const markKey = (id: string): string => `dead/${id}`

/** Where a look through the topic begins and ends. */
export interface LetterRange {
  partition: number
  from: number
  to: number
}

/** Everything that is retained now. */
export const letterRanges = async (log: Log): Promise<readonly LetterRange[]> =>
  (await log.ends('dead'))
    .map(({ partition, first, next }) => ({ partition, from: first, to: next }))
    .filter(({ from, to }) => from < to)

/** The letters of a range, as they lie; `undefined` for a record that is none. */
export async function* lettersIn(
  log: Log,
  codec: Codec,
  { partition, from, to }: LetterRange,
  signal?: AbortSignal,
): AsyncIterable<{ offset: number; dead: Dead | undefined }> {
  for await (const record of log.read({ topic: 'dead', partition, offset: from }, to, signal)) {
    yield { offset: record.offset, dead: await letterOf(codec, record.value) }
  }
}

const letterOf = async (codec: Codec, value: Uint8Array | null): Promise<Dead | undefined> => {
  if (value === null) return undefined
  try {
    return await codec.decode('dead', value)
  } catch (error) {
    if (isZenhookError(error) && error.retriable) throw error
    return undefined
  }
}

/** Whether the caller may reach the letter, and the filter means it. */
export const fits = (
  dead: Dead,
  filter: DeadFilter,
  { tenant }: Pick<Caller, 'tenant'>,
): boolean => {
  if (tenant !== undefined && dead.tenant !== tenant) return false
  for (const name of ['tenant', 'source', 'destination', 'stage', 'code'] as const)
    if (filter[name] !== undefined && dead[name] !== filter[name]) return false
  return dead.at >= (filter.since ?? 0) && dead.at < (filter.until ?? Infinity)
}

const replaysOf = ({ originHeaders }: Dead): number => {
  const n = Number(originHeaders[replaysHeader] ?? 0)
  return Number.isSafeInteger(n) && n > 0 ? n : 0
}

/** Adds what is known of each: what was done about it, and whether its destination has it by now. */
export const withStates = async (
  kv: Kv,
  known: KnownDispatches,
  letters: readonly Dead[],
): Promise<readonly Letter[]> => {
  const dispatches = letters.map(({ dispatchId }) => dispatchId ?? '')
  const [texts, found] = await Promise.all([
    kv.get(letters.map(({ id }) => markKey(id))),
    known(dispatches),
  ])
  return letters.map((dead, index): Letter => {
    const text = texts[index]
    const mark = text === undefined ? undefined : (JSON.parse(text) as Mark)
    const dispatch = dead.dispatchId === undefined ? undefined : found[index]
    const run = dead.originHeaders.run ?? liveRun
    // Another run has it, or is at it: that one ends as delivered, or with a letter of its own.
    const elsewhere =
      dispatch !== undefined && (dispatch.delivered || isLaterRun(dispatch.run, run))
    const state = mark?.state ?? 'open'
    return {
      dead,
      state: state === 'open' && elsewhere ? 'replayed' : state,
      replays: Math.max(replaysOf(dead), mark?.replays ?? 0),
      ...(mark === undefined ? {} : { mark }),
    }
  })
}

export const writeMarks = (kv: Kv, marks: ReadonlyMap<string, Mark>): Promise<void> =>
  kv.set(
    [...marks].map(([id, mark]) => ({
      key: markKey(id),
      value: JSON.stringify(mark),
      ttlMs: markTtlMs,
    })),
  )

export interface LetterList {
  letters: readonly ListedLetter[]
  /** Older letters are retained that were not looked at. */
  more: boolean
}

const nothing = new Uint8Array()
/** Letters looked at per partition at a time, from the newest on. */
const lookAt = 5_000

export interface LettersOptions {
  log: Log
  codec: Codec
  kv: Kv
  known: KnownDispatches
}

/** The letters that are meant, from the newest on: so many of each partition at a time, each once a time. */
export async function* lettersBack(
  { log, codec, kv, known }: LettersOptions,
  meant: (dead: Dead) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<LetterList> {
  let left = await letterRanges(log)
  while (left.length > 0) {
    const byId = new Map<string, { dead: Dead; place: Position }>()
    for (const { partition, from, to } of left) {
      const range = { partition, from: Math.max(from, to - lookAt), to }
      for await (const { offset, dead } of lettersIn(log, codec, range, signal))
        if (dead !== undefined && meant(dead)) {
          const place = { topic: 'dead', partition, offset }
          // A later record of the same letter is one that died again: it knows more.
          byId.set(dead.id, { dead: { ...dead, original: nothing }, place })
        }
    }
    signal?.throwIfAborted()
    left = left
      .map((range) => ({ ...range, to: range.to - lookAt }))
      .filter(({ from, to }) => from < to)
    const found = [...byId.values()].sort((a, b) => b.dead.at - a.dead.at)
    const letters: ListedLetter[] = []
    for (let from = 0; from < found.length; from += 500) {
      const some = found.slice(from, from + 500)
      const bare = some.map(({ dead }) => dead)
      for (const [index, letter] of (await withStates(kv, known, bare)).entries()) {
        const place = some[index]?.place
        if (place !== undefined) letters.push({ ...letter, place })
      }
    }
    yield { letters, more: left.length > 0 }
  }
}

/** The newest letters that fit, each once. */
export const newestLetters = async (
  options: LettersOptions,
  filter: DeadFilter,
  caller: Pick<Caller, 'tenant'>,
): Promise<LetterList> => {
  for await (const newest of lettersBack(options, (dead) => fits(dead, filter, caller)))
    return newest
  return { letters: [], more: false }
}

/** Listed letters with their bytes, as far as they are retained still. */
export const wholeLetters = async <L extends ListedLetter>(
  { log, codec }: Pick<LettersOptions, 'log' | 'codec'>,
  letters: readonly L[],
): Promise<readonly L[]> => {
  const places = letters.map(({ place }) => place)
  const records = await recordsAt(log, places, new AbortController().signal)
  const whole: L[] = []
  for (const letter of letters) {
    const dead = await letterOf(codec, records.get(placeOf(letter.place))?.value ?? null)
    whole.push(dead === undefined ? letter : { ...letter, dead })
  }
  return whole
}

/** Letters of one cause. */
export interface Cause {
  tenant: string
  destination?: string
  stage: string
  code: string
  count: number
  /** Of the newest. */
  message: string
  oldest: number
  newest: number
}

export const causesOf = (letters: readonly Letter[]): readonly Cause[] => {
  const causes = new Map<string, Cause>()
  for (const { dead } of letters) {
    const { tenant, destination, stage, code, message, at } = dead
    const key = JSON.stringify([tenant, destination, stage, code])
    const known = causes.get(key)
    if (known === undefined) {
      const place = destination === undefined ? {} : { destination }
      causes.set(key, { tenant, ...place, stage, code, count: 1, message, oldest: at, newest: at })
    } else {
      known.count += 1
      known.oldest = Math.min(known.oldest, at)
      if (at > known.newest) Object.assign(known, { newest: at, message })
    }
  }
  return [...causes.values()].sort((a, b) => b.count - a.count)
}
