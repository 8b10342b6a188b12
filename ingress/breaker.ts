import { ZenhookError } from '../core/errors/index.ts'

export interface BreakerOptions {
  /** Bound of one call, ms. */
  callMs: number
  /** Measures lengths of time only: a clock that nobody sets. */
  now?: () => number
  /** Failures in a row that open it. */
  failures?: number
  /** How long it stays open before one call may try again, ms. */
  openMs?: number
  onFailure?: (error: unknown) => void
}

export interface Breaker {
  /**
   * What the work gives, or `undefined` where it fails: at once while open, after `callMs` otherwise.
   * Never rejects.
   */
  ask<T>(work: () => Promise<T>): Promise<T | undefined>
}

const away = (): ZenhookError => new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true })

/** Keeps a slow or dead state store from slowing every request down. */
export const createBreaker = (options: BreakerOptions): Breaker => {
  const {
    callMs,
    now = () => performance.now(),
    failures = 5,
    openMs = 1_000,
    onFailure = () => {},
  } = options
  let failed = 0
  let openUntil = Number.NEGATIVE_INFINITY
  let probing = false

  return {
    // One promise and one timer a call: this stands twice in the way of every event.
    ask: (work) =>
      new Promise((resolve) => {
        const probe = failed >= failures
        const fail = (error: unknown): void => {
          onFailure(error)
          resolve(undefined)
        }
        if (probe && (probing || now() < openUntil)) {
          fail(away())
          return
        }
        probing = probe
        let settled = false
        const settle = (): boolean => {
          if (settled) return false
          settled = true
          clearTimeout(timer)
          if (probe) probing = false
          return true
        }
        const count = (error: unknown): void => {
          if (!settle()) return
          failed += 1
          openUntil = now() + openMs
          fail(error)
        }
        // One more turn: an answer that arrived while the loop was busy still counts.
        const timer = setTimeout(() => setImmediate(() => count(away())), callMs)
        work().then((value) => {
          if (!settle()) return
          failed = 0
          resolve(value)
        }, count)
      }),
  }
}
