import type { FaultRig } from './rig.ts'
import { storyOf } from './tables.ts'

const troubled = /"level":"(?:warn|error|fatal)"/
const mostLines = 60
const longestLine = 500

const numbersOf = async (rig: FaultRig): Promise<string[]> => {
  const text = await rig.running().page('/metrics')
  return text
    .split('\n')
    .filter(
      (line) => /^zenhook_(?:lag_records|sink_|dead_|gaps_)/.test(line) && !line.endsWith(' 0'),
    )
}

/** What those ask first who look at a run that left events without an end. */
export const diagnose = async (rig: FaultRig, open: readonly string[]): Promise<string> => {
  const shown = new Set([...open.slice(0, 3), ...open.slice(-2)])
  const stories = await Promise.all(
    [...shown].map(async (id) => `without an end: ${id}\n${await storyOf(rig, id)}`),
  )
  const numbers = await numbersOf(rig).catch((error: unknown) => [String(error)])
  const said = rig
    .running()
    .output()
    .split('\n')
    .filter((line) => troubled.test(line))
    .slice(-mostLines)
    .map((line) => line.slice(0, longestLine))
  return [...stories, ...numbers, ...said].join('\n')
}
