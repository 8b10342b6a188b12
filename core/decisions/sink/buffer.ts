import type { Batch, StoredRecord } from '../../log/port.ts'
import type { Letter } from './letters.ts'
import type { Content } from './rows.ts'

/** One batch of the log on its way into the tables; settled when all its rows are stored. */
export interface Job {
  batch: Batch
  through: StoredRecord
  /** Appended when the job is settled. */
  letters: Letter[]
}

/** A record that waits. Its rows are made when they are inserted: they would only grow old here. */
export interface Entry {
  record: StoredRecord
  job: Job
  content: Content
}

export interface Load {
  jobs: readonly Job[]
  entries: readonly Entry[]
}

export const partitionOf = ({ batch: { topic, partition } }: Job): string => `${topic}/${partition}`

/**
 * What is left to settle of jobs that are stored: one per partition, the newest, with the dead letters of all.
 * Those whose partition has moved come again to its next owner, letters and all.
 */
export const newestOfEach = (jobs: readonly Job[]): Job[] => {
  const newest = new Map<string, Job>()
  for (const job of jobs) {
    if (job.batch.signal.aborted) continue
    const key = partitionOf(job)
    const letters = [...(newest.get(key)?.letters ?? []), ...job.letters]
    newest.set(key, { ...job, letters })
  }
  return [...newest.values()]
}

/** Collects the records of many partitions, so that inserts are few and large. */
export interface Buffer {
  /** `rows`: how many they will be, about; `bytes`: what the job keeps in memory, about. */
  add(job: Job, entries: readonly Entry[], rows: number, bytes: number): void
  take(): Load
  /** Rows that wait, about. */
  readonly count: number
  readonly bytes: number
  readonly jobs: number
}

export const createBuffer = (): Buffer => {
  let jobs: Job[] = []
  let entries: Entry[] = []
  let count = 0
  let bytes = 0
  return {
    add: (job, more, rows, size) => {
      jobs.push(job)
      for (const entry of more) entries.push(entry)
      count += rows
      bytes += size
    },
    take: () => {
      const taken = { jobs, entries }
      jobs = []
      entries = []
      count = 0
      bytes = 0
      return taken
    },
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
    get jobs() {
      return jobs.length
    },
  }
}
