import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { destinationOf } from '../../test/fakes/rig.ts'
import { delayAfter, horizonOf, jittered, lookAgainAt, retryAfterCapMs } from './schedule.ts'

const destination = destinationOf({ retry: { attempts: 4, delaysMs: [5_000, 60_000, 600_000] } })

describe('the time until the next attempt', () => {
  it('follows the schedule, a tenth either way', () => {
    expect(delayAfter(destination, 1, {}, () => 0)).toBe(4_500)
    expect(delayAfter(destination, 1, {}, () => 1)).toBe(5_500)
    expect(delayAfter(destination, 3, {}, () => 0.5)).toBe(600_000)
  })

  it('ends with the attempts, or with the schedule', () => {
    expect(delayAfter(destination, 4, {}, Math.random)).toBeUndefined()
    const short = destinationOf({ retry: { attempts: 9, delaysMs: [10] } })
    expect(delayAfter(short, 2, {}, Math.random)).toBeUndefined()
  })

  it('is prolonged by Retry-After, never shortened, never beyond an hour and a tenth', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (retryAfterMs, random) => {
          const plain = delayAfter(destination, 1, {}, () => random) ?? 0
          const wished = delayAfter(destination, 1, { retryAfterMs }, () => random) ?? 0
          expect(wished).toBeGreaterThanOrEqual(plain)
          expect(wished).toBeGreaterThanOrEqual(Math.min(retryAfterMs, retryAfterCapMs))
          expect(wished).toBeLessThanOrEqual(Math.max(plain, 1.1 * retryAfterCapMs))
        },
      ),
    )
  })

  it('jitters whole milliseconds', () => expect(jittered(1_001, () => 0.37)).toBe(975))

  it('has a horizon between a day and a week', () => {
    const day = 24 * 3_600_000
    expect(horizonOf(destination)).toBe(day)
    const long = destinationOf({ retry: { attempts: 3, delaysMs: [2 * day, 5 * day] } })
    expect(horizonOf(long)).toBe(7 * day)
  })
})

describe('the next look for an unknown destination', () => {
  const look = (age: number, revision = 'newer') =>
    lookAgainAt({ revision, createdAt: 1_000_000 - age }, 'known', 1_000_000)

  it('comes in a second, later the longer it is missing, and last after five minutes', () => {
    expect(look(0)).toBe(1_001_000)
    expect(look(-500)).toBe(1_001_000)
    expect(look(60_000)).toBe(1_030_000)
    expect(look(290_000)).toBe(1_010_000)
    expect(look(300_000)).toBeUndefined()
  })

  it('does not come where the same revision decided', () =>
    expect(look(0, 'known')).toBeUndefined())
})
