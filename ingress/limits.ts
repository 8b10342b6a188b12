import { LRUCache } from 'lru-cache'
import type { RateLimit } from '../core/registry/types.ts'

interface Bucket {
  tokens: number
  filledAt: number
}

export interface Taken {
  ok: boolean
  /** When a token will be there again, ms; 0 when one was taken. */
  retryAfterMs: number
}

export interface Limiter {
  take(key: string, limit: RateLimit): Taken
  /** Whether a token is there, without taking it. */
  peek(key: string, limit: RateLimit): Taken
}

/** One token at least, however slowly it comes back. */
const sizeOf = ({ burst, perSecond }: RateLimit): number => Math.max(1, burst ?? perSecond)

/** Token buckets by key, in bounded memory: the key unused for longest starts anew with a full one. */
export const createLimiter = (now: () => number, maxKeys = 50_000): Limiter => {
  const buckets = new LRUCache<string, Bucket>({ max: maxKeys })

  const fill = (key: string, limit: RateLimit): Bucket => {
    const size = sizeOf(limit)
    const time = now()
    const known = buckets.get(key)
    const bucket = known ?? { tokens: size, filledAt: time }
    // A clock that steps back fills nothing, and takes nothing away.
    const gained = (Math.max(0, time - bucket.filledAt) * limit.perSecond) / 1000
    bucket.tokens = Math.min(size, bucket.tokens + gained)
    bucket.filledAt = time
    if (known === undefined) buckets.set(key, bucket)
    return bucket
  }
  const look = (bucket: Bucket, limit: RateLimit): Taken =>
    bucket.tokens >= 1
      ? { ok: true, retryAfterMs: 0 }
      : { ok: false, retryAfterMs: Math.ceil(((1 - bucket.tokens) / limit.perSecond) * 1000) }

  return {
    take(key, limit) {
      const bucket = fill(key, limit)
      const taken = look(bucket, limit)
      if (taken.ok) bucket.tokens -= 1
      return taken
    },
    peek: (key, limit) =>
      buckets.has(key) ? look(fill(key, limit), limit) : { ok: true, retryAfterMs: 0 },
  }
}

/** The fields of draft-ietf-httpapi-ratelimit-headers. */
export const rateLimitHeaders = (
  name: string,
  limit: RateLimit,
  retryAfterMs: number,
): Record<string, string> => {
  const size = sizeOf(limit)
  const window = Math.max(1, Math.ceil(size / limit.perSecond))
  return {
    'ratelimit-policy': `"${name}";q=${size};w=${window}`,
    ratelimit: `"${name}";r=0;t=${Math.max(1, Math.ceil(retryAfterMs / 1000))}`,
  }
}
