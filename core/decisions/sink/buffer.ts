import type { Batch, NewRecord, StoredRecord } from '../../log/port.ts'
import type { DecisionTable, Row } from '../port.ts'

/** One batch of the log on its way into the tables; settled when all its rows are stored. */
export interface Job {
  batch: Batch
  through: StoredRecord
  /** Dead letters, appended when the job is settled. */
  outputs: NewRecord[]
}

export interface SinkRow {
  row: Row
  record: StoredRecord
  job: Job
}

export type Rows = Record<DecisionTable, SinkRow[]>

export interface Load {
  jobs: readonly Job[]
  rows: Rows
  count: number
}

/** Collects the rows of many partitions, so that inserts are few and large. */
export interface Buffer {
  add(job: Job, rows: readonly { table: DecisionTable; row: SinkRow }[]): void
  take(): Load
  readonly count: number
  readonly jobs: number
}

export const createBuffer = (): Buffer => {
  let load = emptyLoad()
  return {
    add: (job, rows) => {
      load.jobs.push(job)
      for (const { table, row } of rows) load.rows[table].push(row)
      load.count += rows.length
    },
    take: () => {
      const taken = load
      load = emptyLoad()
      return taken
    },
    get count() {
      return load.count
    },
    get jobs() {
      return load.jobs.length
    },
  }
}

const emptyLoad = () => ({
  jobs: [] as Job[],
  rows: { events: [], decisions: [], attempts: [] } satisfies Rows as Rows,
  count: 0,
})
