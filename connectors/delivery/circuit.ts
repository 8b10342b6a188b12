import { type BreakerOptions, createBreaker } from './breaker.ts'

/** What lets attempts through, or does not: a breaker that may have to ask other processes. */
export interface Circuit {
  /** 0: let through; a time (ms): ask again then; a promise: ask again when it has resolved. */
  look(now: number): number | Promise<void>
  /** An attempt that `look` let through is made. */
  take(now: number): void
  succeeded(now: number): void
  failed(now: number): void
  /** An attempt was cancelled: it says nothing. */
  withdrawn(): void
}

export interface LocalCircuit extends Circuit {
  look(now: number): number
  reset(): void
}

/** A breaker of this process alone; `onClosed` when a receiver is well again, and is to be spared at first. */
export const createLocalCircuit = (
  onClosed: () => void,
  options?: BreakerOptions,
): LocalCircuit => {
  const breaker = createBreaker(options)
  /** A probe that was let through and is not made yet. */
  let granted = false
  return {
    look(now) {
      if (granted) return 0
      if (breaker.state() === 'closed') return 0
      const until = breaker.admit(now)
      granted = until === 0
      return until
    },
    take() {
      granted = false
    },
    succeeded(now) {
      const before = breaker.state()
      breaker.succeeded(now)
      if (before === 'half-open' && breaker.state() === 'closed') onClosed()
    },
    failed: (now) => breaker.failed(now),
    withdrawn: () => breaker.withdrawn(),
    reset() {
      granted = false
      breaker.reset()
    },
  }
}
