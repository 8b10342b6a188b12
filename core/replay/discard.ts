import type { Dead, Event } from '../event/index.ts'
import { liveRun } from '../event/index.ts'
import type { ReplayContext } from './context.ts'
import { decisionRecord } from './dead-steps.ts'
import {
  fits,
  type LetterState,
  type ListedLetter,
  lettersBack,
  wholeLetters,
  writeMarks,
} from './letters.ts'
import { recordsAt } from './retained.ts'
import { type Caller, type DeadFilter, discardedReason } from './types.ts'

export interface DiscardRequest {
  ids?: readonly string[]
  filter: DeadFilter
  reason: string
}

export interface Discarded {
  discarded: readonly string[]
  /** Ids that name no open letter within reach, and why. */
  refused: readonly { id: string; why: 'unknown' | 'replayed' | 'discarded' }[]
  /** Others fit, or older ones were not looked at: once more will reach them. */
  more: boolean
}

/** Letters given up in one call, at most. */
const mostAtOnce = 5_000
const batch = 200

/** Gives open letters up: each with a decision that says who, when and why, then out of the list. */
export const discardLetters = async (
  context: ReplayContext,
  { ids, filter, reason }: DiscardRequest,
  caller: Caller,
  signal?: AbortSignal,
): Promise<Discarded> => {
  /** What the ids name and was not met yet. */
  const left = ids === undefined ? undefined : new Set(ids)
  const meant = (dead: Dead): boolean => left?.has(dead.id) !== false && fits(dead, filter, caller)
  const discarded: string[] = []
  const refused = new Map<string, Exclude<LetterState, 'open'>>()
  let more = false
  for await (const look of lettersBack(context, meant, signal)) {
    const open: ListedLetter[] = []
    for (const letter of look.letters) {
      const { dead, state } = letter
      left?.delete(dead.id)
      if (state === 'open') open.push(letter)
      else if (left !== undefined) refused.set(dead.id, state)
    }
    const some = open.slice(0, mostAtOnce - discarded.length)
    for (let from = 0; from < some.length; from += batch)
      await giveUp(context, some.slice(from, from + batch), reason, caller.name)
    discarded.push(...some.map(({ dead }) => dead.id))
    more = left?.size !== 0 && (look.more || some.length < open.length)
    if (left?.size === 0 || discarded.length === mostAtOnce) break
  }
  return {
    discarded,
    refused: (ids ?? []).flatMap((id) => {
      const why = left?.has(id) === true ? 'unknown' : refused.get(id)
      return why === undefined ? [] : [{ id, why }]
    }),
    more,
  }
}

const giveUp = async (
  context: ReplayContext,
  letters: readonly ListedLetter[],
  reason: string,
  by: string,
): Promise<void> => {
  const at = context.now()
  const outputs = []
  for (const { dead } of await wholeLetters(context, letters)) {
    outputs.push(
      decisionRecord(context, await aboutOf(context, dead), dead.originHeaders.run ?? liveRun, {
        stage: 'discard',
        // It stays dead: the same end, told with who gave it up.
        verdict: 'dead',
        reason: discardedReason,
        ...(dead.destination === undefined ? {} : { destination: dead.destination }),
        ...(dead.dispatchId === undefined ? {} : { dispatchId: dead.dispatchId }),
        at,
        tookMs: 0,
        details: { by, why: reason, deadLetter: dead.id, code: dead.code },
      }),
    )
  }
  // The audit first: a letter that is gone from the list has it for certain.
  await context.log.append(outputs)
  const marks = letters.map(
    ({ dead, replays }) => [dead.id, { state: 'discarded', by, at, reason, replays }] as const,
  )
  await writeMarks(context.kv, new Map(marks))
}

/** The event that a letter is about; the letter itself where it holds none that can be read. */
const aboutOf = async (
  { log, codec }: ReplayContext,
  dead: Dead,
): Promise<Pick<Event, 'id' | 'tenant' | 'source' | 'type' | 'receivedAt'>> => {
  const unread = {
    id: dead.eventId || dead.id,
    tenant: dead.tenant,
    source: dead.source,
    type: dead.originHeaders.type ?? '',
    receivedAt: dead.at,
  }
  try {
    let bytes: Uint8Array | null | undefined = dead.original
    if (bytes.length === 0) {
      const records = await recordsAt(log, [dead.origin], new AbortController().signal)
      bytes = [...records.values()][0]?.value
    }
    if (bytes === undefined || bytes === null) return unread
    return dead.origin.topic === 'dispatch'
      ? (await codec.decode('dispatch', bytes)).event
      : await codec.decode('event', bytes)
  } catch {
    return unread
  }
}
