import { type Dispatch, isLaterRun, liveRun, type Position } from '../../core/event/index.ts'
import type { DispatchRecord, Ending, Known } from './records.ts'
import { positionText } from './records.ts'

export type Judgement =
  /** An attempt may be made; a copy or a crashed process may have made it already. */
  | { kind: 'go'; possibleDuplicate: boolean }
  /** Somebody is at it: look again then, ms. */
  | { kind: 'wait'; until: number }
  /** It ended here, and its outputs may be missing: write them again. */
  | { kind: 'repeat'; attempt: number; ending: Ending }
  /** Another run delivered it, then: nothing is sent, and this run says so. */
  | { kind: 'has'; run: string; at: number }
  /** Another record of this dispatch took over. */
  | { kind: 'settled' }

export interface JudgeContext {
  /** Names this process. */
  owner: string
  /** Other processes may hold leases; otherwise a lease of another owner is one of the dead. */
  multiProcess: boolean
  /** Whether an attempt of this dispatch is under way in this process. */
  underWay: boolean
  now: number
  /** An operator wants it sent although the destination has it. */
  forced: boolean
}

/** Leases that hold: of another live process, or an attempt that is under way in this one. */
const holds = (
  record: DispatchRecord & { state: 'started' },
  { owner, multiProcess, underWay, now }: JudgeContext,
): boolean => (record.owner === owner ? underWay : multiProcess) && record.leaseUntil > now

/**
 * Somebody else has the same dispatch: what one delivered the other never sends, unless it is forced to, and
 * whoever `takesOver` does the rest.
 */
const judgeOther = (
  record: DispatchRecord,
  { takesOver, forced }: { takesOver: boolean; forced: boolean },
  context: JudgeContext,
): Judgement => {
  if (record.state === 'ended') {
    const { verdict, at } = record.ending
    const has = verdict === 'delivered' ? { run: record.run ?? liveRun, at } : record.had
    if (has !== undefined && !(takesOver && forced)) return { kind: 'has', ...has }
    return takesOver ? { kind: 'go', possibleDuplicate: false } : { kind: 'settled' }
  }
  if (!takesOver) return { kind: 'settled' }
  if (holds(record, context)) return { kind: 'wait', until: record.leaseUntil }
  return { kind: 'go', possibleDuplicate: true }
}

/**
 * What to do with a record of `dispatch`, given what is known of the dispatch. Everything rests on
 * positions: a record that comes back after a crash has its old position, a copy has another.
 */
export const judge = (
  known: Known | undefined,
  dispatch: Dispatch,
  position: Position,
  context: JudgeContext,
): Judgement => {
  if (known === undefined) return { kind: 'go', possibleDuplicate: false }
  const { record } = known
  const run = record.run ?? liveRun
  if (run !== dispatch.run) {
    const takesOver = isLaterRun(dispatch.run, run)
    return judgeOther(record, { takesOver, forced: context.forced }, context)
  }
  // Another event is the same delivery of the provider: it needs an end too, and its receiver acts once.
  if (record.event !== undefined && record.event !== dispatch.event.id)
    return judgeOther(record, { takesOver: true, forced: false }, context)
  const here = record.position === positionText(position)
  const number = dispatch.attempt + 1
  if (record.state === 'ended') {
    const { ending, attempt } = record
    if (here) return { kind: 'repeat', attempt, ending }
    return ending.verdict === 'retry' && attempt < number
      ? { kind: 'go', possibleDuplicate: false }
      : { kind: 'settled' }
  }
  if (record.attempt > number) return { kind: 'settled' }
  // A mark of ours without an attempt under way is one whose writing was not acknowledged in time.
  if (holds(record, context)) return { kind: 'wait', until: record.leaseUntil }
  return { kind: 'go', possibleDuplicate: true }
}
