import type { RateLimit } from '../../core/registry/types.ts'

/** Attempts per second. */
export interface Rate {
  /** 0: a token is there; a time (ms): there is one then; a promise: ask again when it has resolved. */
  look(limit: RateLimit, now: number): number | Promise<void>
  /** Spends the token that `look` saw. */
  take(): void
}

export const burstOf = ({ perSecond, burst = Math.max(1, perSecond) }: RateLimit): number =>
  Math.max(1, burst)

/** A bucket of this process alone. */
export const createLocalRate = () => {
  let tokens = Number.NaN
  let refilledAt = 0
  return {
    look(limit: RateLimit, now: number): number {
      const { perSecond } = limit
      // A clock that was set back takes no tokens away.
      const refilled = tokens + (Math.max(0, now - refilledAt) / 1000) * perSecond
      tokens = Number.isNaN(refilled) ? burstOf(limit) : Math.min(burstOf(limit), refilled)
      refilledAt = now
      return tokens >= 1 ? 0 : now + Math.ceil(((1 - tokens) / perSecond) * 1000)
    },
    take(): void {
      tokens -= 1
    },
  }
}
