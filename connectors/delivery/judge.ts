import type { Dispatch, Position } from '../../core/event/index.ts'
import type { Ending, Known } from './records.ts'
import { positionText } from './records.ts'

export type Judgement =
  /** An attempt may be made; a copy or a crashed process may have made it already. */
  | { kind: 'go'; possibleDuplicate: boolean }
  /** Somebody is at it: look again then, ms. */
  | { kind: 'wait'; until: number }
  /** It ended here, and its outputs may be missing: write them again. */
  | { kind: 'repeat'; attempt: number; ending: Ending }
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
}

/**
 * What to do with a record of `dispatch`, given what is known of the dispatch. Everything rests on
 * positions: a record that comes back after a crash has its old position, a copy has another.
 */
export const judge = (
  known: Known | undefined,
  dispatch: Dispatch,
  position: Position,
  { owner, multiProcess, underWay, now }: JudgeContext,
): Judgement => {
  if (known === undefined) return { kind: 'go', possibleDuplicate: false }
  const { record } = known
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
  const held = record.owner === owner ? underWay : multiProcess
  if (held && record.leaseUntil > now) return { kind: 'wait', until: record.leaseUntil }
  return { kind: 'go', possibleDuplicate: true }
}
