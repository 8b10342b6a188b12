import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { defineConnector } from '../define.ts'
import { failedStatus, httpReasons } from '../http.ts'
import { outboundOf } from '../outbound.ts'

export { type Bins, createBins } from './store.ts'

const config = z.strictObject({
  bin: z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,64}$/, 'is no id of a bin')
    .optional()
    .describe('Id of a bin; by default the destination has one of its own'),
})

export const binSpec: ComponentSpec<z.infer<typeof config>> = {
  name: 'bin',
  kind: 'connector',
  summary: 'The built-in request bin: shows what a webhook would have sent, kept in memory',
  status: 'stable',
  config,
  reasons: {
    ...httpReasons,
    no_bin: 'There is no such bin, or this process has none',
  },
  examples: [{ title: 'A bin of its own', yaml: 'connector: bin\n' }],
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (ms <= 0 || signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })

/** Puts into a bin exactly what `webhook` would send, and obeys the bin's fault knobs. */
export const bin = defineConnector(binSpec, (settings, context) => {
  const { tenant, name } = context.destination
  const label = `${tenant}/${name}`
  return {
    async deliver(attempt, signal) {
      const now = context.now()
      const message = outboundOf(attempt, { keys: [], now })
      const answer = context.putInBin?.(
        settings.bin === undefined ? { label } : { id: settings.bin, label },
        message,
      )
      if (answer === undefined) {
        return { kind: 'failed', reason: 'no_bin', retriable: false, error: 'There is no such bin' }
      }
      await pause(Math.min(answer.delayMs, context.timeoutMs), signal)
      if (signal.aborted) {
        const error = 'The attempt was cancelled'
        return { kind: 'failed', reason: 'cancelled', retriable: false, cancelled: true, error }
      }
      const { id, status } = answer
      if (status >= 200 && status < 300) return { kind: 'delivered', status, externalId: id }
      return failedStatus({ status, headers: {}, body: new Uint8Array(), truncated: false }, now)
    },
  }
})
