import { setTimeout as sleep } from 'node:timers/promises'
import { isZenhookError, type ZenhookError } from '../../core/errors/index.ts'

/** The start was called off: the process was asked to end while it waited. */
export class CalledOff extends Error {}

export interface Waiting {
  /** What is waited for, in words: `the log (Apache Kafka)`. */
  name: string
  error: ZenhookError
}

export interface Patience {
  /**
   * Does the work again and again while what it needs is away, which is what a retriable error says.
   * Any other error ends it; so does the end of the process, with CalledOff.
   */
  until<T>(name: string, work: () => Promise<T>): Promise<T>
}

export interface PatienceOptions {
  signal: AbortSignal
  /** Called at once, then every few seconds while something is away. */
  onWaiting(waiting: Waiting): void
  onArrived(name: string): void
  pauseMs?: number
  sayEveryMs?: number
}

export const createPatience = (options: PatienceOptions): Patience => {
  const { signal, onWaiting, onArrived, pauseMs = 1_000, sayEveryMs = 5_000 } = options
  return {
    async until(name, work) {
      let saidAt: number | undefined
      for (;;) {
        if (signal.aborted) throw new CalledOff()
        try {
          const result = await work()
          if (saidAt !== undefined) onArrived(name)
          return result
        } catch (error) {
          if (signal.aborted) throw new CalledOff()
          if (!isZenhookError(error) || !error.retriable) throw error
          if (saidAt === undefined || performance.now() - saidAt >= sayEveryMs) {
            onWaiting({ name, error })
            saidAt = performance.now()
          }
        }
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
