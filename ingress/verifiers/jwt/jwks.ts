import type { JWK } from 'jose'
import { ZenhookError } from '../../../core/errors/index.ts'
import { strictObject } from '../strict-json.ts'

const MAX_TEXT = 262_144
const MAX_KEYS = 64
/** Least time between two fetches, whatever was asked for. */
const MIN_INTERVAL = 30_000
/** Kept keys are fetched anew after this, beside the requests… */
const FRESH = 600_000
/** … which wait for that after this, so that a key removed long ago is not used once more… */
const STALE = 900_000
/** … and, while their endpoint is away, keys are still used until this. */
const MAX_AGE = 86_400_000

const parse = (text: string): readonly JWK[] => {
  if (text.length > MAX_TEXT) throw new Error('The key set is too large')
  const keys = strictObject(new TextEncoder().encode(text))?.keys
  if (!Array.isArray(keys)) throw new Error('The answer is not a key set')
  return keys
    .slice(0, MAX_KEYS)
    .filter((key): key is JWK => typeof key === 'object' && key !== null && key.kty !== 'oct')
}

export interface KeySet {
  /** The keys; fetched once for all callers, and again for an unknown `kid` at most every 30 s. */
  keys(kid: string | undefined, now: number): Promise<readonly JWK[]>
}

export const remoteKeySet = (url: string, fetchKey: (url: string) => Promise<string>): KeySet => {
  let known: { keys: readonly JWK[]; at: number } | undefined
  let triedAt: number | undefined
  let failed = false
  let pending: Promise<void> | undefined

  const refresh = (now: number): Promise<void> => {
    triedAt = now
    pending ??= fetchKey(url)
      .then((text) => {
        known = { keys: parse(text), at: now }
        failed = false
      })
      .catch(() => {
        failed = true
      })
      .finally(() => {
        pending = undefined
      })
    return pending
  }

  const lacks = (kid: string | undefined): boolean =>
    !known || (kid !== undefined && !known.keys.some((key) => key.kid === kid))

  return {
    keys: async (kid, now) => {
      // A clock that was set back must not hold off a fetch for long.
      const due = triedAt === undefined || Math.abs(now - triedAt) >= MIN_INTERVAL
      const age = known ? now - known.at : Number.POSITIVE_INFINITY
      const wanted = lacks(kid) || age >= FRESH
      const fetched = wanted && (pending ?? (due ? refresh(now) : undefined))
      // A slow or dead endpoint holds up nobody whose key is known.
      if (lacks(kid) || (age >= STALE && !failed)) await fetched
      if (known && now - known.at < MAX_AGE) return known.keys
      throw new ZenhookError('ZENHOOK_VERIFY_KEY_FETCH', {
        message: 'The key set of the sender cannot be fetched',
        retriable: true,
      })
    },
  }
}
