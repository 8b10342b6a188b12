import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { defineConnector } from '../define.ts'
import { outboundOf } from '../outbound.ts'

export { type Bins, createBins } from './store.ts'

const config = z.strictObject({
  bin: z
    .string()
    .regex(/^[A-Za-z0-9_-]{8,64}$/, 'is no id of a bin')
    .optional()
    .describe('Id of a bin, made on first use; by default the destination has one of its own'),
})

export const binSpec: ComponentSpec<z.infer<typeof config>> = {
  name: 'bin',
  kind: 'connector',
  summary: 'The built-in request bin: shows what a webhook would have sent, kept in memory',
  status: 'stable',
  config,
  reasons: {
    delivered: 'The bin has it',
    no_bin: 'This process has no request bins',
    cancelled: 'Stopped from our side',
  },
  examples: [{ title: 'A bin of its own', yaml: 'connector: bin\n' }],
}

/** Puts into a bin exactly what `webhook` would send. */
export const bin = defineConnector(binSpec, (settings, context) => {
  const { tenant, name } = context.destination
  const label = `${tenant}/${name}`
  return {
    async deliver(attempt, signal) {
      if (signal.aborted) {
        const error = 'The attempt was cancelled'
        return { kind: 'failed', reason: 'cancelled', retriable: false, cancelled: true, error }
      }
      const message = outboundOf(attempt, { keys: [], now: context.now() })
      const externalId = context.putInBin?.(
        settings.bin === undefined ? { label } : { id: settings.bin, label },
        message,
      )
      return externalId === undefined
        ? { kind: 'failed', reason: 'no_bin', retriable: false, error: 'This process has no bins' }
        : { kind: 'delivered', status: 200, externalId }
    },
  }
})
