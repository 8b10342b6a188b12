import type { Run } from './run.ts'

/** Rates that are tried, events per second. */
export const defaultRates: readonly number[] = [
  250, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000,
  15_000,
]

export interface Climbed {
  /** The highest rate that was kept up; absent when none was. */
  sustained?: Run
  /** All, in the order they ran. */
  runs: readonly Run[]
}

export interface Climb {
  rates: readonly number[]
  /** Where it begins. */
  first: number
  attempt(rate: number): Promise<Run>
  holds(run: Run): boolean
  /** After so long there are no second tries and no higher rates, ms. */
  budgetMs: number
}

// What misses by more than this has no hope in a second try.
const nearDrainMs = 3_000

/**
 * Finds the highest rate that holds, from `first` upwards, or downwards when that fails already. A rate
 * that nearly holds gets a second try: one pause of the machine is no limit of the system.
 */
export const climb = async (options: Climb): Promise<Climbed> => {
  const { rates, first, attempt, holds, budgetMs } = options
  const deadline = Date.now() + budgetMs
  const runs: Run[] = []
  const tried = async (rate: number): Promise<Run | undefined> => {
    for (let tries = 0; tries < 2; tries += 1) {
      const run = await attempt(rate)
      runs.push(run)
      if (holds(run)) return run
      if (run.drainMs > nearDrainMs || Date.now() > deadline) break
    }
    return undefined
  }
  const sorted = [...rates].sort((a, b) => a - b)
  const found = sorted.findIndex((rate) => rate >= first)
  const start = found === -1 ? sorted.length - 1 : found
  let sustained: Run | undefined
  for (const rate of sorted.slice(start)) {
    const run = await tried(rate)
    if (run === undefined) break
    sustained = run
    if (Date.now() > deadline) break
  }
  for (const rate of sorted.slice(0, start).reverse()) {
    if (sustained !== undefined) break
    sustained = await tried(rate)
  }
  return { runs, ...(sustained && { sustained }) }
}
