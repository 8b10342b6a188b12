import { appendFileSync, readFileSync } from 'node:fs'
import type { FaultRecord } from './row.ts'
import type { RigResult } from './table.ts'

/** What one run on the rig showed. */
export interface Shown {
  rig: ReadonlyMap<string, RigResult>
  records: readonly FaultRecord[]
}

interface Entry {
  rig: [string, RigResult][]
  records: FaultRecord[]
}

/** Adds a run to those before it; of a row that was run again the last one counts. */
export const joinRuns = (file: string, { rig, records }: Shown): Shown => {
  const entry: Entry = { rig: [...rig], records: [...records] }
  appendFileSync(file, `${JSON.stringify(entry)}\n`)
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry)
  return entries.reduce<Shown>(
    (before, run) => {
      const again = new Set(run.rig.map(([id]) => id))
      const kept = before.records.filter(({ rows }) => !rows.some((id) => again.has(id)))
      return { rig: new Map([...before.rig, ...run.rig]), records: [...kept, ...run.records] }
    },
    { rig: new Map(), records: [] },
  )
}
