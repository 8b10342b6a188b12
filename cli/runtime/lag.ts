import { messageOf } from '../../core/errors/index.ts'
import type { Log } from '../../core/log/port.ts'
import type { Logger, Metrics } from '../../core/telemetry/index.ts'

const everyMs = 5_000

/** Samples how far each group is behind; gives a function that stops it. */
export const sampleLag = (
  log: Log,
  groups: readonly string[],
  metrics: Metrics,
  logger: Logger,
): (() => Promise<void>) => {
  let sampling: Promise<void> = Promise.resolve()
  const sample = async (): Promise<void> => {
    for (const group of groups) {
      try {
        const totals = new Map<string, number>()
        for (const { topic, records } of await log.lag(group)) {
          totals.set(topic, (totals.get(topic) ?? 0) + records)
        }
        for (const [topic, records] of totals) metrics.lag.set({ group, topic }, records)
      } catch (error) {
        logger.debug({ group, error: messageOf(error) }, 'the lag of a group is not known now')
      }
    }
  }
  const timer = setInterval(() => {
    sampling = sampling.then(sample)
  }, everyMs)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await sampling
  }
}
