import type { Claim, Holder } from './port.ts'

/** How long a claim is kept beyond its window, ms: two copies may be processed that far apart. */
export const claimGraceMs = 3_600_000
/** Claims that one key remembers; the oldest by `at` goes first. More than one only after windows passed. */
export const claimsPerKey = 8

/** A claim as it is kept. */
export interface Held extends Holder {
  /** When it is forgotten, ms of wall time. */
  until: number
}

/** How long a claim lives from when it is made, ms. */
export const lifeOf = (claim: Claim): number => claim.windowMs + claimGraceMs

/**
 * Decides one claim against those its key remembers. Time here is the claims' own `at`, so that the
 * order of processing does not matter: a late copy of an old event neither wins over its own first
 * copy nor takes the key from a newer holder.
 */
export const decideClaim = (
  held: readonly Held[],
  claim: Claim,
  now: number,
): { holder: Holder; held?: readonly Held[] } => {
  const live = held.filter(({ until }) => until > now).sort((a, b) => a.at - b.at)
  const holder =
    live.find(({ owner }) => owner === claim.owner) ??
    live.find(({ at }) => Math.abs(claim.at - at) < claim.windowMs)
  if (holder !== undefined) return { holder: { owner: holder.owner, at: holder.at } }
  const { owner, at } = claim
  const kept = live.slice(Math.max(0, live.length - claimsPerKey + 1))
  return { holder: { owner, at }, held: [...kept, { owner, at, until: now + lifeOf(claim) }] }
}
