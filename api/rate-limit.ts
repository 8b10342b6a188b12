import type { MiddlewareHandler } from 'hono'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { ApiEnv } from './app.ts'
import { problem } from './problem.ts'

export interface ApiLimit {
  requests: number
  windowSeconds: number
}

/** Generous: it holds back a loop that ran away, not a person and not a console. */
export const defaultLimit: ApiLimit = { requests: 2_000, windowSeconds: 10 }

const policy = 'token'

/**
 * So many requests per token and window in this process, told on every answer by the fields of
 * draft-ietf-httpapi-ratelimit-headers; 429 beyond.
 */
export const rateLimit = (token: string, limit = defaultLimit): MiddlewareHandler<ApiEnv> => {
  const { requests, windowSeconds } = limit
  const limiter = new RateLimiterMemory({ points: requests, duration: windowSeconds })
  return async (c, next) => {
    const { taken, left } = await take(limiter, token)
    const seconds = Math.max(1, Math.ceil(left.msBeforeNext / 1000))
    if (taken) await next()
    else {
      c.res = problem(c, 429, 'ZENHOOK_API_RATE_LIMITED', undefined, {
        retryAfterMs: left.msBeforeNext,
      })
    }
    c.header('ratelimit-policy', `"${policy}";q=${requests};w=${windowSeconds}`)
    c.header('ratelimit', `"${policy}";r=${left.remainingPoints};t=${seconds}`)
  }
}

const take = async (
  limiter: RateLimiterMemory,
  key: string,
): Promise<{ taken: boolean; left: RateLimiterRes }> => {
  try {
    return { taken: true, left: await limiter.consume(key) }
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    return { taken: false, left: refused }
  }
}
