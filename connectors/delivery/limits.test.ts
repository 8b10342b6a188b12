import { describe, expect, it } from 'vitest'
import { destinationOf } from '../../test/fakes/rig.ts'
import { createBreaker } from './breaker.ts'
import { type Admission, createLimits, type Limits, type Ticket } from './limits.ts'

const free = destinationOf()
const rated = destinationOf({ rateLimit: { perSecond: 10, burst: 2 } })

const ticketOf = (admission: Admission): Ticket => {
  if (admission.kind !== 'go') throw new Error(`not let through: ${admission.kind}`)
  return admission.ticket
}
const attempt = (limits: Limits, now: number, outcome: 'succeeded' | 'failed'): void =>
  limits.release(ticketOf(limits.admit(free, now)), outcome, now)

describe('limits of a destination', () => {
  it('hold the rate: a burst, then a short wait, then a hop', () => {
    const limits = createLimits({ maxWaiting: 1 })
    ticketOf(limits.admit(rated, 0))
    ticketOf(limits.admit(rated, 0))
    expect(limits.admit(rated, 0)).toEqual({ kind: 'wait', until: 100 })
    // One may wait here; the rest come back spaced by the rate.
    expect(limits.admit(rated, 0)).toEqual({ kind: 'hop', until: 1000 })
    expect(limits.admit(rated, 0)).toEqual({ kind: 'hop', until: 1100 })
    expect(limits.admit(rated, 0)).toEqual({ kind: 'hop', until: 1200 })
    ticketOf(limits.admit(rated, 100, 0))
    expect(limits.admit(rated, 100)).toEqual({ kind: 'wait', until: 200 })
  })

  it('take no tokens away when the clock is set back', () => {
    const limits = createLimits()
    ticketOf(limits.admit(rated, 3_600_000))
    ticketOf(limits.admit(rated, 0))
    expect(limits.admit(rated, 0)).toEqual({ kind: 'wait', until: 100 })
  })

  it('let nobody return behind a line that a lower rate drew out', () => {
    const limits = createLimits({ maxWaiting: 0 })
    const at = (perSecond: number | undefined, now: number): Admission => {
      const rateLimit = perSecond === undefined ? undefined : { perSecond, burst: 1 }
      return limits.admit(destinationOf(rateLimit && { rateLimit }), now)
    }
    ticketOf(at(0.1, 0))
    for (let count = 0; count < 1_000; count += 1) at(0.1, 0)
    expect(at(0.1, 0)).toEqual({ kind: 'hop', until: 10_010_000 })
    expect(at(10, 0)).toEqual({ kind: 'hop', until: 1_000 })
    expect(at(10, 0)).toEqual({ kind: 'hop', until: 1_100 })
    // At a lower rate what returns at the higher one is still ahead.
    expect(at(1, 0)).toEqual({ kind: 'hop', until: 2_100 })
    limits.pause(5_000)
    expect(at(undefined, 0)).toEqual({ kind: 'hop', until: 5_000 })
  })

  it('admit no more than the rate over a long time', () => {
    const limits = createLimits()
    let through = 0
    for (let now = 0; now < 60_000; now += 5) {
      const admission = limits.admit(rated, now)
      if (admission.kind === 'go') {
        through += 1
        limits.release(admission.ticket, 'succeeded', now)
      } else if (admission.kind === 'wait') limits.leave()
    }
    expect(through).toBeGreaterThan(590)
    expect(through).toBeLessThanOrEqual(602)
  })

  it('hold the concurrency', () => {
    const limits = createLimits()
    const narrow = destinationOf({ rateLimit: { perSecond: 1_000, concurrent: 2 } })
    const first = ticketOf(limits.admit(narrow, 0))
    ticketOf(limits.admit(narrow, 0))
    expect(limits.admit(narrow, 0).kind).toBe('wait')
    limits.release(first, 'succeeded', 10)
    ticketOf(limits.admit(narrow, 20, 0))
  })

  it('let nobody wait for longer than a moment in the shared window', () => {
    const limits = createLimits()
    const narrow = destinationOf({ rateLimit: { perSecond: 1_000, concurrent: 1 } })
    ticketOf(limits.admit(narrow, 0))
    expect(limits.admit(narrow, 0)).toEqual({ kind: 'wait', until: 20 })
    expect(limits.admit(narrow, 900, 0)).toEqual({ kind: 'wait', until: 920 })
    expect(limits.admit(narrow, 990, 0)).toEqual({ kind: 'hop', until: 1990 })
  })

  it('halve what is sent at once to a receiver with too much to do, and grow it again', () => {
    const limits = createLimits()
    const tickets = Array.from({ length: 20 }, () => ticketOf(limits.admit(free, 0)))
    limits.slow()
    for (const ticket of tickets.slice(0, 10)) limits.release(ticket, 'refused', 1)
    expect(limits.admit(free, 1).kind).toBe('wait')
    limits.leave()
    for (const ticket of tickets.slice(10, 14)) limits.release(ticket, 'succeeded', 2)
    const more = Array.from({ length: 8 }, () => limits.admit(free, 3).kind)
    expect(more).toEqual(Array(8).fill('go'))
    expect(limits.admit(free, 3).kind).toBe('wait')
  })

  it('honour a pause that the receiver asked for', () => {
    const limits = createLimits()
    limits.pause(60_000)
    limits.pause(5_000)
    expect(limits.admit(free, 0)).toMatchObject({ kind: 'hop', until: 60_000 })
    ticketOf(limits.admit(free, 60_000))
  })

  it('give a destination whose attempts hang no more of the shared window', () => {
    const limits = createLimits({ maxHanging: 3, hangingMs: 2_000 })
    const hanging = [0, 1, 2].map((now) => ticketOf(limits.admit(free, now)))
    ticketOf(limits.admit(free, 2_000))
    expect(limits.admit(free, 2_500)).toMatchObject({ kind: 'hop' })
    const [first] = hanging
    if (first !== undefined) limits.release(first, 'succeeded', 3_000)
    ticketOf(limits.admit(free, 3_000))
  })

  it('take nobody for hanging who only waits for a connection', () => {
    const limits = createLimits({ connections: 4, maxHanging: 3, hangingMs: 2_000 })
    const tickets = Array.from({ length: 40 }, () => ticketOf(limits.admit(free, 0)))
    // Four at once, each for a second: the last one has its answer after ten.
    for (let now = 1_000; now <= 9_000; now += 1_000) {
      for (const ticket of tickets.splice(0, 4)) limits.release(ticket, 'succeeded', now)
      expect(limits.isHanging(now + 900)).toBe(false)
    }
    expect(limits.inFlight()).toBe(4)
    expect(limits.isHanging(9_000 + 2_001)).toBe(true)
  })

  it('never take a fast destination for a hanging one', () => {
    const limits = createLimits({ maxHanging: 3 })
    for (let now = 0; now < 10_000; now += 10) {
      const tickets = Array.from({ length: 50 }, () => ticketOf(limits.admit(free, now)))
      for (const ticket of tickets) limits.release(ticket, 'succeeded', now + 5)
    }
  })
})

describe('the breaker', () => {
  it('opens at seven failures of ten, not before ten', () => {
    const limits = createLimits()
    for (let i = 0; i < 9; i += 1) attempt(limits, i, 'failed')
    attempt(limits, 9, 'failed')
    expect(limits.admit(free, 10)).toMatchObject({ kind: 'hop', until: 5_009 })
  })

  it('stays closed below the ratio, and forgets what is long past', () => {
    const breaker = createBreaker()
    for (let i = 0; i < 60; i += 1) {
      if (i % 5 < 3) breaker.failed(i)
      else breaker.succeeded(i)
    }
    expect(breaker.state()).toBe('closed')
    const old = createBreaker()
    for (let i = 0; i < 9; i += 1) old.failed(0)
    old.failed(120_000)
    expect(old.state()).toBe('closed')
  })

  it('lets a few probes through, and closes or opens by them', () => {
    const breaker = createBreaker({ probes: 3 })
    const fail = (now: number): void => {
      for (let i = 0; i < 10; i += 1) breaker.failed(now)
    }
    fail(0)
    expect(breaker.admit(1)).toBe(5_000)
    expect([1, 2, 3, 4, 5].map(() => breaker.admit(5_000) === 0)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
    breaker.failed(5_100)
    expect(breaker.admit(5_200)).toBe(15_100)
    expect(breaker.admit(15_100)).toBe(0)
    expect(breaker.admit(15_100)).toBe(0)
    expect(breaker.admit(15_100)).toBe(0)
    breaker.succeeded(15_200)
    breaker.succeeded(15_200)
    expect(breaker.state()).toBe('half-open')
    breaker.succeeded(15_200)
    expect(breaker.state()).toBe('closed')
  })

  it('gives the place of a cancelled probe back, and opens for a minute at most', () => {
    const breaker = createBreaker({ probes: 1 })
    for (let i = 0; i < 10; i += 1) breaker.failed(0)
    let now = 0
    let longest = 0
    for (let round = 0; round < 10; round += 1) {
      const until = breaker.admit(now + 1)
      longest = Math.max(longest, until - now)
      now = until
      expect(breaker.admit(now)).toBe(0)
      breaker.withdrawn()
      expect(breaker.admit(now)).toBe(0)
      breaker.failed(now)
    }
    expect(longest).toBe(60_000)
  })
})
