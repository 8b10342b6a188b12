import type { Dispatch } from '../../core/event/index.ts'
import type { Destination } from '../../core/registry/types.ts'
import type { Failed } from '../types.ts'

/** `Retry-After` is honoured up to here. */
export const retryAfterCapMs = 3_600_000
const day = 24 * 3_600_000
const shortestHorizonMs = day
const longestHorizonMs = 7 * day

/**
 * How long after its creation a dispatch may still be attempted: twice its schedule, at least a day
 * (a throttled destination must not lose events to a short schedule), at most the replay horizon.
 */
export const horizonOf = ({ retry }: Destination): number => {
  const planned = retry.delaysMs.reduce((sum, delay) => sum + delay, 0)
  return Math.min(longestHorizonMs, Math.max(shortestHorizonMs, 2 * planned))
}

/** A tenth either way, so that what failed together does not come back together. */
export const jittered = (ms: number, random: () => number): number =>
  Math.round(ms * (0.9 + 0.2 * random()))

/**
 * Time until the next attempt after `made` attempts, or `undefined` when none follows. The receiver's
 * wish prolongs the schedule, never shortens it, and only ever gets longer by jitter.
 */
export const delayAfter = (
  { retry }: Pick<Destination, 'retry'>,
  made: number,
  { retryAfterMs }: Pick<Failed, 'retryAfterMs'>,
  random: () => number,
): number | undefined => {
  const planned = retry.delaysMs[made - 1]
  if (made >= retry.attempts || planned === undefined) return undefined
  const scheduled = jittered(planned, random)
  if (retryAfterMs === undefined) return scheduled
  const wished = Math.min(retryAfterMs, retryAfterCapMs)
  return Math.max(scheduled, Math.round(wished * (1 + 0.1 * random())))
}

/** How long a destination that is unknown here may still come: whoever decided may know a newer revision. */
const unknownPatienceMs = 5 * 60_000
const firstLookMs = 1_000

/** When to look again for a destination that the snapshot of this process lacks; `undefined` when it is gone. */
export const lookAgainAt = (
  { revision, createdAt }: Pick<Dispatch, 'revision' | 'createdAt'>,
  known: string,
  now: number,
): number | undefined => {
  const age = now - createdAt
  if (revision === known || age >= unknownPatienceMs) return undefined
  return now + Math.max(firstLookMs, Math.min(age / 2, unknownPatienceMs - age))
}
