import type { Log } from '../../core/log/port.ts'
import type { Metrics } from '../../core/telemetry/index.ts'

/** The same log; how long its appends take until they are durable is told by topic. */
export const measured = (log: Log, metrics: Metrics): Log => ({
  ...log,
  async append(records) {
    const startedAt = performance.now()
    const positions = await log.append(records)
    const seconds = (performance.now() - startedAt) / 1000
    for (const topic of new Set(records.map((record) => record.topic))) {
      metrics.appendSeconds.observe({ topic }, seconds)
    }
    return positions
  },
})
