import { readFileSync } from 'node:fs'

/** The value below which that share of the values lies. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const index = Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)
  return sorted[Math.max(0, index)] ?? Number.NaN
}

/** Resident memory of a process, MiB; undefined once it is gone. */
export const residentMiB = (pid: number): number | undefined => {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? undefined : Number(kib) / 1024
  } catch {
    return undefined
  }
}

export interface Point {
  /** ms */
  at: number
  value: number
}

/** Slope of the line that fits best, per minute. */
export const slopePerMinute = (points: readonly Point[]): number => {
  const count = points.length
  if (count < 2) return Number.NaN
  const meanAt = points.reduce((sum, { at }) => sum + at, 0) / count
  const mean = points.reduce((sum, { value }) => sum + value, 0) / count
  const over = points.reduce((sum, { at, value }) => sum + (at - meanAt) * (value - mean), 0)
  const under = points.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0)
  return under === 0 ? 0 : (over / under) * 60_000
}

/** A generator of numbers from 0 to 1 that a seed repeats (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
