import { defineConnector } from '../define.ts'
import { failedStatus } from '../http.ts'
import { loopOf, outboundOf } from '../outbound.ts'
import { createKeyring } from '../signing.ts'
import { webhookSpec } from './spec.ts'

export { webhookSpec } from './spec.ts'

/** Standard Webhooks 1.0 to any URL. */
export const webhook = defineConnector(webhookSpec, (config, context) => {
  const keyring = createKeyring()
  const { allowPrivate } = context.destination
  return {
    async deliver(attempt, signal) {
      const loop = loopOf(attempt)
      if (loop !== undefined) return loop
      const keys = keyring(await context.secrets('signing'))
      const message = outboundOf(attempt, { ...config, keys, now: context.now() })
      const { timeoutMs } = context
      const response = await context.egress.request(config.url, {
        ...message,
        timeoutMs,
        allowPrivate,
        owner: context.destination,
        signal,
      })
      const { status } = response
      if (status >= 200 && status < 300) return { kind: 'delivered', status }
      return failedStatus(response, context.now())
    },
  }
})
