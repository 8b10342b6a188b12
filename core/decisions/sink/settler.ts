import { type Job, newestOfEach, partitionOf } from './buffer.ts'

/** Settles what is stored, each partition by itself: one that takes no progress holds up no other, and no insert. */
export interface Settler {
  /** Their rows are stored. */
  add(jobs: readonly Job[]): void
  /** Resolves once everything is settled, given up, or of a partition that has moved. */
  idle(): Promise<void>
}

/**
 * `settle` resolves with false when it gives up: nothing of that partition may be settled after it, for
 * progress would pass dead letters that are not in the log.
 */
export const createSettler = (settle: (job: Job) => Promise<boolean>): Settler => {
  const waiting = new Map<string, Job>()
  const running = new Map<string, Promise<void>>()
  const givenUp = new WeakSet<AbortSignal>()

  const run = async (key: string): Promise<void> => {
    for (let job = waiting.get(key); job !== undefined; job = waiting.get(key)) {
      waiting.delete(key)
      const { signal } = job.batch
      if (!givenUp.has(signal) && !(await settle(job))) givenUp.add(signal)
    }
    // At once with the look at what waits.
    running.delete(key)
  }

  return {
    add(jobs) {
      for (const job of newestOfEach([...waiting.values(), ...jobs])) {
        const key = partitionOf(job)
        waiting.set(key, job)
        if (!running.has(key)) running.set(key, run(key))
      }
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values())
    },
  }
}
