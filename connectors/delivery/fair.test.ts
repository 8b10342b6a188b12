import { describe, expect, it } from 'vitest'
import { createFair, type Fair } from './fair.ts'

const fairOf = (weights: Record<string, number> = {}, places = 8, reserve = 2): Fair<number> =>
  createFair({ places, reserve, weightOf: (tenant) => weights[tenant] ?? 1 })

const push = (fair: Fair<number>, tenant: string, count: number): void => {
  for (let item = 0; item < count; item += 1) fair.push(tenant, item)
}
const startAll = (fair: Fair<number>): string[] => {
  const started: string[] = []
  for (let next = fair.next(); next !== undefined; next = fair.next())
    started.push(`${next.tenant}${next.item}`)
  return started
}

describe('places of a partition', () => {
  it('all go to a tenant that is alone, in order, but for the reserve', () => {
    const fair = fairOf()
    push(fair, 'a', 20)
    expect(startAll(fair)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'])
    fair.ended('a')
    expect(startAll(fair)).toEqual(['a8'])
  })

  it('are there at once for a tenant that comes into a flood', () => {
    const fair = fairOf()
    push(fair, 'flood', 1_000)
    startAll(fair)
    push(fair, 'b', 5)
    expect(startAll(fair)).toEqual(['b0', 'b1'])
    // Nothing of b ended: what the flood gives back goes to b until both have the same.
    for (let ended = 0; ended < 4; ended += 1) fair.ended('flood')
    expect(startAll(fair)).toEqual(['b2', 'b3'])
  })

  it('are shared by weight while all wait', () => {
    const fair = fairOf({ big: 3 })
    push(fair, 'big', 1_000)
    push(fair, 'small', 1_000)
    const counts: Record<string, number> = { big: 0, small: 0 }
    const atWork: string[] = []
    for (let round = 0; round < 800; round += 1) {
      for (let next = fair.next(); next !== undefined; next = fair.next()) {
        atWork.push(next.tenant)
        counts[next.tenant] = (counts[next.tenant] ?? 0) + 1
      }
      const oldest = atWork.shift()
      if (oldest !== undefined) fair.ended(oldest)
    }
    expect((counts.big ?? 0) / (counts.small ?? 1)).toBeGreaterThan(2.5)
    expect((counts.big ?? 0) / (counts.small ?? 1)).toBeLessThan(3.5)
  })

  it('are no tenant’s by having been idle, nor lost by having been busy', () => {
    const fair = fairOf({}, 1, 0)
    push(fair, 'busy', 100)
    for (let item = 0; item < 50; item += 1) {
      startAll(fair)
      fair.ended('busy')
    }
    push(fair, 'late', 100)
    const order: string[] = []
    for (let item = 0; item < 20; item += 1) {
      const next = fair.next()
      if (next === undefined) throw new Error('a place is free')
      order.push(next.tenant)
      fair.ended(next.tenant)
    }
    expect(order.filter((tenant) => tenant === 'late').length).toBeGreaterThanOrEqual(9)
    expect(order.filter((tenant) => tenant === 'busy').length).toBeGreaterThanOrEqual(9)
  })

  it('come back when what was at work ends after everything was forgotten', () => {
    const fair = fairOf({}, 2, 0)
    push(fair, 'a', 5)
    expect(startAll(fair)).toEqual(['a0', 'a1'])
    fair.clear()
    expect(fair.waiting()).toBe(0)
    push(fair, 'a', 5)
    expect(startAll(fair)).toEqual([])
    fair.ended('a')
    fair.ended('a')
    expect(startAll(fair)).toEqual(['a0', 'a1'])
  })
})
