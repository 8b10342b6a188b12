import type { Batch } from '../log/port.ts'
import { untilTick } from '../log/tick.ts'
import type { Fate } from './batch.ts'

export interface LaterOptions {
  /** Ticks at which what gathered is settled, ms apart: the same for every partition. */
  lingerMs: number
  /** Records that may wait; a handler beyond it waits itself. */
  maxRecords: number
  /** Settles what stands in order; rejects when it could not. */
  settle(batch: Batch, fates: readonly Fate[]): Promise<void>
  /** It could not be settled, and is tried again. */
  onError(error: unknown, batch: Batch): void
}

/**
 * Settles the batches of one partition behind its handler, in order and several at once. For logs where
 * outputs and progress are separate requests: what the next hop waits for is appended before, and the
 * rest need not cost a request per batch. Progress still never passes an output that is not in the log.
 */
export interface Later {
  /** Resolves when there is room for more. */
  add(batch: Batch, fates: readonly Fate[]): Promise<void>
  /** Resolves once nothing waits: all is settled, or the partition has moved. */
  flush(): Promise<void>
}

const firstPauseMs = 100
const longestPauseMs = 5_000

export const createLater = (options: LaterOptions): Later => {
  let waiting: Fate[] = []
  let latest: Batch | undefined
  let working: Promise<void> | undefined
  let hurry = (): void => {}
  let hurried = false

  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted || hurried) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      hurry = done
    })

  const work = async (): Promise<void> => {
    // Whoever started it notes that it runs before it can end.
    await Promise.resolve()
    for (let failures = 0; waiting.length > 0; ) {
      const batch = latest
      if (batch === undefined || batch.signal.aborted) {
        // The partition has moved: its next owner starts from what was settled.
        waiting = []
        break
      }
      await pause(failures === 0 ? untilTick(options.lingerMs) : backoff(failures), batch.signal)
      const taken = waiting
      waiting = []
      try {
        await options.settle(batch, taken)
        failures = 0
      } catch (error) {
        // Of a partition that has moved, or came back: it begins anew, and none of this belongs to it.
        if (batch.signal.aborted) continue
        waiting = [...taken, ...waiting]
        failures += 1
        hurried = false
        options.onError(error, batch)
      }
    }
    // At once with the look at what waits, or what comes in between would wait for the next batch.
    working = undefined
    hurried = false
  }

  const start = (): Promise<void> => {
    working ??= work()
    return working
  }

  return {
    async add(batch, fates) {
      if (latest?.signal.aborted) waiting = []
      latest = batch
      waiting.push(...fates)
      const done = start()
      while (waiting.length > options.maxRecords && !batch.signal.aborted) {
        hurry()
        await Promise.race([done, pauseBriefly()])
      }
    },
    async flush() {
      while (waiting.length > 0 || working !== undefined) {
        hurried = true
        hurry()
        await start()
      }
    },
  }
}

const backoff = (failures: number): number =>
  Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs)

const pauseBriefly = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
