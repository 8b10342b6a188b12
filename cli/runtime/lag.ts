import { messageOf } from '../../core/errors/index.ts'
import type { Log } from '../../core/log/port.ts'
import type { Logger, Metrics } from '../../core/telemetry/index.ts'

const everyMs = 5_000

/**
 * Samples how far each group is behind; gives a function that stops it. A sample under way is not waited for:
 * while the log is away it takes many seconds for each group.
 */
export const sampleLag = (
  log: Pick<Log, 'lag'>,
  groups: readonly string[],
  metrics: Pick<Metrics, 'lag'>,
  logger: Pick<Logger, 'debug'>,
): (() => Promise<void>) => {
  let isSampling = false
  let isStopped = false
  const sample = async (group: string): Promise<void> => {
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
  const sampleAll = async (): Promise<void> => {
    if (isSampling) return
    isSampling = true
    for (const group of groups) if (!isStopped) await sample(group)
    isSampling = false
  }
  const timer = setInterval(sampleAll, everyMs)
  timer.unref()
  return async () => {
    isStopped = true
    clearInterval(timer)
  }
}
