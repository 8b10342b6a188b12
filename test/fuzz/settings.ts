/** How many runs a property gets: few by default, `ZENHOOK_FUZZ_RUNS` times as many where it is set. */
const factor = Math.max(1, Number(process.env.ZENHOOK_FUZZ_RUNS ?? 1) || 1)
const seed = Number(process.env.ZENHOOK_FUZZ_SEED ?? Date.now() & 0x7fff_ffff)

/** Options of a property; the seed that repeats it is printed. */
export const runs = (name: string, count: number): { numRuns: number; seed: number } => {
  console.info(`fuzz: ${name}: ZENHOOK_FUZZ_SEED=${seed}, ${count * factor} runs`)
  return { numRuns: count * factor, seed }
}

/** Time that a property of this many runs may take, ms. */
export const timeout = 60_000 * factor
