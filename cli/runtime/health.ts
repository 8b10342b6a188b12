import type { Check } from '../../api/types.ts'
import { messageOf } from '../../core/errors/index.ts'
import type { Metrics } from '../../core/telemetry/index.ts'
import { inTime } from '../../core/time/limits.ts'

/** Resolves while the thing works, with a word on it if there is one; rejects with why not. */
export type Probe = () => Promise<string | undefined> | string | undefined

const deadlineMs = 2_000

/** Runs every probe side by side; each counts as failed when it does not answer in time. */
export const createChecks = (
  probes: Readonly<Record<string, Probe>>,
  metrics: Metrics,
): (() => Promise<readonly Check[]>) => {
  const run = async ([name, probe]: [string, Probe]): Promise<Check> => {
    try {
      const detail = await inTime(Promise.resolve().then(probe), deadlineMs)
      return { name, ok: true, detail: detail ?? 'ok' }
    } catch (error) {
      return { name, ok: false, detail: messageOf(error) }
    }
  }
  return async () => {
    const checks = await Promise.all(Object.entries(probes).map(run))
    for (const { name, ok } of checks) metrics.ready.set({ check: name }, ok ? 1 : 0)
    return checks
  }
}
