import { describe, expect, it } from 'vitest'
import { createFair, type Fair } from './fair.ts'

const rig = (weights: Record<string, number> = {}, places = 8, reserve = 2) => {
  const fair: Fair<string> = createFair({
    ...{ places, reserve },
    weightOf: (tenant) => weights[tenant] ?? 1,
  })
  const ends = new Map<string, (() => void)[]>()
  const keyOf = (tenant: string, line: string): string => `${tenant}${line && ` ${line}`}`
  return {
    fair,
    push(tenant: string, count: number, line = ''): void {
      for (let item = 0; item < count; item += 1)
        fair.push({ tenant, line }, `${keyOf(tenant, line)}${item}`)
    },
    startAll(): string[] {
      const started: string[] = []
      for (let next = fair.next(); next !== undefined; next = fair.next()) {
        const owner = next.item.replace(/\d+$/, '')
        ends.set(owner, [...(ends.get(owner) ?? []), next.end])
        started.push(next.item)
      }
      return started
    },
    /** Ends the oldest at work. */
    end(tenant: string, line = ''): void {
      const end = ends.get(keyOf(tenant, line))?.shift()
      if (end === undefined) throw new Error(`nothing of ${tenant} is at work`)
      end()
    },
  }
}

describe('places of a partition', () => {
  it('all go to a tenant that is alone, in order, but for the reserve', () => {
    const fair = rig()
    fair.push('a', 20)
    expect(fair.startAll()).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'])
    fair.end('a')
    expect(fair.startAll()).toEqual(['a8'])
  })

  it('are there at once for a tenant that comes into a flood', () => {
    const fair = rig()
    fair.push('flood', 1_000)
    fair.startAll()
    fair.push('b', 5)
    expect(fair.startAll()).toEqual(['b0', 'b1'])
    // Nothing of b ended: what the flood gives back goes to b until both have the same.
    for (let ended = 0; ended < 4; ended += 1) fair.end('flood')
    expect(fair.startAll()).toEqual(['b2', 'b3'])
  })

  it('are there at once for a destination behind one that hangs', () => {
    const fair = rig({}, 8, 4)
    fair.push('a', 1_000, 'dead')
    expect(fair.startAll().length).toBe(8)
    fair.push('a', 3, 'x')
    fair.push('a', 3, 'y')
    expect(fair.startAll()).toEqual(['a x0', 'a y0', 'a x1', 'a y1'])
    // Nothing of the dead one ends; the others have the rest among them.
    fair.end('a', 'x')
    fair.end('a', 'y')
    expect(fair.startAll()).toEqual(['a x2', 'a y2'])
  })

  it('are not all taken by a tenant of many destinations', () => {
    const fair = rig({}, 8, 2)
    for (let line = 0; line < 10; line += 1) fair.push('a', 5, `${line}:`)
    expect(fair.startAll().length).toBe(10)
    fair.push('b', 5)
    // Where one ends, its line has as few at work as b; the tenant has not.
    for (let line = 0; line < 4; line += 1) {
      fair.end('a', `${line}:`)
      expect(fair.startAll()).toEqual([`b${line}`])
    }
  })

  it('are not needed by lines that are only put off', () => {
    const fair = rig({}, 2, 0)
    fair.push('a', 3, 'dead')
    fair.push('a', 1, 'x')
    expect(fair.startAll()).toEqual(['a dead0', 'a x0'])
    expect(fair.fair.nextOf((line) => line === 'dead')?.item).toBe('a dead1')
    expect(fair.fair.nextOf((line) => line === 'x')).toBeUndefined()
    expect(fair.fair.next()).toBeUndefined()
  })

  it('are shared by weight while all wait', () => {
    const fair = rig({ big: 3 })
    fair.push('big', 1_000)
    fair.push('small', 1_000)
    const order: string[] = []
    const atWork: string[] = []
    for (let round = 0; round < 800; round += 1) {
      const started = fair.startAll().map((item) => item.replace(/\d+/, ''))
      order.push(...started)
      atWork.push(...started)
      fair.end(atWork.shift() ?? '')
    }
    const big = order.filter((tenant) => tenant === 'big').length
    expect(big / (order.length - big)).toBeGreaterThan(2.5)
    expect(big / (order.length - big)).toBeLessThan(3.5)
  })

  it('are no tenant’s by having been idle, nor lost by having been busy', () => {
    const fair = rig({}, 1, 0)
    fair.push('busy', 100)
    for (let item = 0; item < 50; item += 1) {
      fair.startAll()
      fair.end('busy')
    }
    fair.push('late', 100)
    const order: string[] = []
    for (let item = 0; item < 20; item += 1) {
      const [started = ''] = fair.startAll()
      const tenant = started.replace(/\d+/, '')
      order.push(tenant)
      fair.end(tenant)
    }
    expect(order.filter((tenant) => tenant === 'late').length).toBeGreaterThanOrEqual(9)
    expect(order.filter((tenant) => tenant === 'busy').length).toBeGreaterThanOrEqual(9)
  })

  it('come back when what was at work ends after everything was forgotten', () => {
    const fair = rig({}, 2, 0)
    fair.push('a', 5)
    expect(fair.startAll()).toEqual(['a0', 'a1'])
    fair.fair.clear()
    expect(fair.fair.waiting()).toBe(0)
    fair.push('a', 5)
    expect(fair.startAll()).toEqual([])
    fair.end('a')
    fair.end('a')
    expect(fair.startAll()).toEqual(['a0', 'a1'])
  })
})

describe('items of one key', () => {
  const keyed = (behind = { key: 2, line: 3 }) => {
    const fair: Fair<string> = createFair({ places: 4, reserve: 0, weightOf: () => 1, behind })
    const owner = { tenant: 'a', line: 'x' }
    return {
      fair,
      push: (item: string) =>
        fair.push(owner, item, { key: item.slice(0, 1), rank: Number(item.slice(1)) }),
    }
  }
  const all = (fair: Fair<string>) => {
    const started = []
    for (let next = fair.next(); next !== undefined; next = fair.next()) started.push(next)
    return started
  }
  const names = (started: readonly { item: string }[]): string[] => started.map(({ item }) => item)

  it('start one after the other, and take no place while they wait', () => {
    const { fair, push } = keyed()
    for (const item of ['k1', 'k2', 'm1', 'k3', 'n1']) push(item)
    const [k1, ...others] = all(fair)
    expect(names([...(k1 ? [k1] : []), ...others])).toEqual(['k1', 'm1', 'n1'])
    expect(fair.waiting()).toBe(2)
    k1?.end()
    const [k2] = all(fair)
    expect(k2?.item).toBe('k2')
    k2?.end()
    expect(names(all(fair))).toEqual(['k3'])
    expect(fair.waiting()).toBe(0)
  })

  it('start in the order of their ranks, whoever comes first', () => {
    const { fair, push } = keyed({ key: 9, line: 9 })
    for (const item of ['k5', 'k7', 'k2', 'k6', 'k1']) push(item)
    const order: string[] = []
    for (let next = fair.next(); next !== undefined; next = fair.next()) {
      order.push(next.item)
      next.end()
    }
    expect(order).toEqual(['k5', 'k1', 'k2', 'k6', 'k7'])
  })

  it('are not taken in when too many of the key or of the line wait', () => {
    const { fair, push } = keyed()
    for (const item of ['k1', 'k4', 'k3']) expect(push(item)).toBeUndefined()
    expect(push('k5')).toBe('k5')
    // The one that goes first of those that wait is let in for the last of them.
    expect(push('k2')).toBe('k4')
    expect(['m1', 'm2', 'm3'].map(push)).toEqual([undefined, undefined, 'm3'])
    expect(push('n1')).toBeUndefined()
    expect(fair.waiting()).toBe(6)
  })

  it('keep their turn when what waits is forgotten', () => {
    const { fair, push } = keyed()
    push('k1')
    const [k1] = all(fair)
    for (const item of ['k2', 'k3', 'm1', 'm2']) push(item)
    fair.clear()
    expect(fair.waiting()).toBe(0)
    for (const item of ['k4', 'm4']) push(item)
    expect(names(all(fair))).toEqual(['m4'])
    k1?.end()
    expect(names(all(fair))).toEqual(['k4'])
  })

  it('keep their turn when they start without a place', () => {
    const { fair, push } = keyed()
    for (const item of ['k1', 'k2']) push(item)
    const first = fair.nextOf(() => true)
    expect(first?.item).toBe('k1')
    expect(fair.nextOf(() => true)).toBeUndefined()
    first?.end()
    expect(fair.nextOf(() => true)?.item).toBe('k2')
  })
})
