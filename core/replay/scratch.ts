import { decideClaim, type Held } from '../kv/claims.ts'
import type { Holder, Kv } from '../kv/port.ts'

/** Claims as a stage makes them, forgotten afterwards: for a look at what a replay would do. */
export const scratchClaims = (now: () => number): Pick<Kv, 'claim'> => {
  const keys = new Map<string, readonly Held[]>()
  return {
    claim: async (claims) =>
      claims.map((claim): Holder => {
        const { holder, held } = decideClaim(keys.get(claim.key) ?? [], claim, now())
        if (held !== undefined) keys.set(claim.key, held)
        return holder
      }),
  }
}
