import type { RateLimit, Source } from '../core/registry/types.ts'
import type { Head } from './head.ts'
import { createLimiter, rateLimitHeaders } from './limits.ts'
import { type Refusal, refuse } from './problems.ts'

export interface GuardOptions {
  now: () => number
  /** Bad signatures that one address may send to one source. */
  failures?: RateLimit
  /** Bad signatures and unknown paths that one address may send to all sources together. */
  failuresAnywhere?: RateLimit
  /** From an address past either, only bodies up to this size are looked at. */
  smallBodyBytes?: number
}

export type Admission =
  | {
      ok: true
      /** To be called once the request proved genuine: it may still be over the source's limit. */
      settle(): Refusal | undefined
    }
  | { ok: false; refusal: Refusal }

/**
 * Rate limits, before anything costs much. A source's bucket is charged on arrival. An address that keeps
 * sending what does not verify is not let near that bucket, nor near big bodies, until it proves genuine:
 * so a flood takes neither the source's tokens nor the processor, and the sender behind the same address
 * still gets through.
 */
export interface Guard {
  /** `remote` is the client's address, as `clients.ts` has it. */
  admit(remote: string, head: Head, source: Source | undefined, name: string): Admission
  failed(remote: string, name: string): void
}

export const createGuard = (options: GuardOptions): Guard => {
  const { now, failures = { perSecond: 5, burst: 50 }, smallBodyBytes = 64 * 1024 } = options
  const { failuresAnywhere = { perSecond: 20, burst: 200 } } = options
  const bySource = createLimiter(now)
  const byAddress = createLimiter(now)

  const limited = (name: string, limit: RateLimit, retryAfterMs: number): Refusal =>
    refuse('ZENHOOK_INGRESS_RATE_LIMITED', {
      retryAfterMs,
      headers: rateLimitHeaders(name, limit, retryAfterMs),
    })

  const charge = (source: Source | undefined, name: string): Refusal | undefined => {
    if (source?.rateLimit === undefined) return undefined
    const taken = bySource.take(name, source.rateLimit)
    return taken.ok ? undefined : limited('source', source.rateLimit, taken.retryAfterMs)
  }

  return {
    admit(remote, head, source, name) {
      const here = byAddress.peek(`${remote} ${name}`, failures)
      const suspect = here.ok ? byAddress.peek(remote, failuresAnywhere) : here
      if (suspect.ok) {
        const refusal = charge(source, name)
        return refusal === undefined
          ? { ok: true, settle: () => undefined }
          : { ok: false, refusal }
      }
      // What is compressed may be big as well.
      const big = head.chunked || head.coding !== undefined
      if (big || (head.contentLength ?? 0) > smallBodyBytes)
        return { ok: false, refusal: limited('failures', failures, suspect.retryAfterMs) }
      return { ok: true, settle: () => charge(source, name) }
    },
    failed(remote, name) {
      byAddress.take(`${remote} ${name}`, failures)
      byAddress.take(remote, failuresAnywhere)
    },
  }
}
