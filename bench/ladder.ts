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

/**
 * Finds the highest rate that holds, from `first` upwards, or downwards when that fails already. A rate
 * that fails gets a second try: one pause of the machine is no limit of the system.
 */
export const climb = async (
  rates: readonly number[],
  first: number,
  attempt: (rate: number) => Promise<Run>,
  holds: (run: Run) => boolean,
): Promise<Climbed> => {
  const runs: Run[] = []
  const tried = async (rate: number): Promise<Run | undefined> => {
    for (let tries = 0; tries < 2; tries += 1) {
      const run = await attempt(rate)
      runs.push(run)
      if (holds(run)) return run
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
  }
  for (const rate of sorted.slice(0, start).reverse()) {
    if (sustained !== undefined) break
    sustained = await tried(rate)
  }
  return { runs, ...(sustained && { sustained }) }
}
