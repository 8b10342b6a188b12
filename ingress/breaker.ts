import { ZenhookError } from '../core/errors/index.ts'

export interface BreakerOptions {
  /** Bound of one call, ms. */
  callMs: number
  now?: () => number
  /** Failures in a row that open it. */
  failures?: number
  /** How long it stays open before one call may try again, ms. */
  openMs?: number
}

export interface Breaker {
  /** Rejects with ZENHOOK_KV_UNAVAILABLE at once while open, and after `callMs` otherwise. */
  call<T>(work: () => Promise<T>): Promise<T>
}

const away = (): ZenhookError => new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true })

/** Keeps a slow or dead state store from slowing every request down. */
export const createBreaker = (options: BreakerOptions): Breaker => {
  const { callMs, now = Date.now, failures = 5, openMs = 1_000 } = options
  let failed = 0
  let openUntil = 0
  let probing = false

  const bounded = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(away()), callMs)
      work.then(
        (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        (error: unknown) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })

  return {
    async call(work) {
      const probe = failed >= failures
      if (probe && (probing || now() < openUntil)) throw away()
      probing = probe
      try {
        const value = await bounded(work())
        failed = 0
        return value
      } catch (error) {
        failed += 1
        openUntil = now() + openMs
        throw error
      } finally {
        if (probe) probing = false
      }
    },
  }
}
