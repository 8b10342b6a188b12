import { expect, it } from 'vitest'
import { untilTick } from './tick.ts'

it.each([
  [100, 1_000, 100],
  [100, 1_001, 99],
  [100, 1_099, 1],
  [0, 1_234, 0],
])('of a beat of %i ms, at %i: %i ms are left', (everyMs, now, left) => {
  expect(untilTick(everyMs, now)).toBe(left)
})
