import { describe, expect, it } from 'vitest'
import { claimGraceMs, claimsPerKey, decideClaim, type Held } from './claims.ts'

const windowMs = 60_000
const claim = (owner: string, at: number) => ({ key: 'k', owner, at, windowMs })

describe('claims', () => {
  it('live for their window and a grace from when they are made, whatever their own time', () => {
    const now = 1_700_000_000_000
    const longAgo = now - 7 * 86_400_000
    const { held = [] } = decideClaim([], claim('first', longAgo), now)
    const later = (ms: number) => decideClaim(held, claim('copy', longAgo + 1), now + ms).holder
    expect(later(windowMs + claimGraceMs - 1)).toEqual({ owner: 'first', at: longAgo })
    expect(later(windowMs + claimGraceMs)).toEqual({ owner: 'copy', at: longAgo + 1 })
  })

  it('write nothing when somebody holds the key, and never remember too many', () => {
    let held: readonly Held[] = []
    for (let n = 0; n < 3 * claimsPerKey; n += 1)
      held = decideClaim(held, claim(`o${n}`, n * windowMs), 0).held ?? []
    expect(held.map(({ at }) => at / windowMs)).toEqual(
      Array.from({ length: claimsPerKey }, (_, index) => 2 * claimsPerKey + index),
    )
    const newest = (3 * claimsPerKey - 1) * windowMs
    expect(decideClaim(held, claim('other', newest + 1), 0)).toEqual({
      holder: { owner: `o${3 * claimsPerKey - 1}`, at: newest },
    })
    expect(decideClaim(held, claim(`o${3 * claimsPerKey - 1}`, newest), 0).held).toBeUndefined()
  })

  it('name the earliest of several holders', () => {
    const held = [
      { owner: 'b', at: 50_000, until: 1e9 },
      { owner: 'a', at: 0, until: 1e9 },
    ]
    expect(decideClaim(held, claim('c', 40_000), 0).holder.owner).toBe('a')
    expect(decideClaim(held, claim('b', 50_000), 0).holder.owner).toBe('b')
  })
})
