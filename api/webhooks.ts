import { z } from '@hono/zod-openapi'
import type { AdminApp } from './app.ts'

const described = (description: string, example?: string) =>
  z.string().openapi({ description, ...(example === undefined ? {} : { example }) })

const headers = z.object({
  'webhook-id': described('Of the message, the same on every attempt: the key to act once by'),
  'webhook-timestamp': described(
    'Seconds since the epoch, new on every attempt; refuse what is older than five minutes',
    '1767225600',
  ),
  'webhook-signature': described(
    'Signatures with spaces between; one that verifies is enough. `v1,` and base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}` with the bytes behind `whsec_`; `v1a,` and base64 of ed25519 over the same. During a rotation the old and the new key sign. Absent for a destination without a signing secret',
    'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  ).optional(),
  'zenhook-event-id': described('Id of the event (UUIDv7), as /v1/events/{id} takes it'),
  'zenhook-event-type': described('Its type, percent-encoded beyond ASCII', 'push'),
  'zenhook-hops': described('How often the event went out of a Zenhook; three is the end', '1'),
  'zenhook-replay': described(
    'Id of the replay that sent it; absent the first time. `webhook-id` stays what it was',
  ).optional(),
  'user-agent': described('Zenhook'),
  traceparent: described('W3C Trace Context: the trace that the provider started, or ours'),
  tracestate: described('As the provider sent it').optional(),
})

const body = {
  description:
    'The bytes that the provider sent and the ingress verified, with their content type; or the JSON that the transform of the route made of them. The headers of the provider come with it as `zenhook-source-{name}`.',
  required: true,
  content: {
    'application/json': { schema: z.unknown() },
    '*/*': { schema: z.string().openapi({ format: 'binary' }) },
  },
}

/** What Zenhook sends, for the OpenAPI document: a delivery by Standard Webhooks 1.0. */
export const webhooks = (app: AdminApp): void => {
  app.openAPIRegistry.registerWebhook({
    method: 'post',
    path: 'delivery',
    summary: 'An event, as the connector `webhook` delivers it (Standard Webhooks 1.0)',
    description:
      'Sent to the URL of a destination, by POST or by the method it names. Redirects are not followed. An answer is waited for for 15 seconds.',
    security: [],
    request: { headers, body },
    responses: {
      '2XX': { description: 'Delivered: nothing else is success' },
      410: { description: 'The destination wants no more: it is disabled' },
      429: { description: 'Slower: retried after Retry-After' },
      502: { description: 'Slower: retried after Retry-After' },
      504: { description: 'Slower: retried after Retry-After' },
      default: {
        description:
          'Failed: retried on the schedule of the destination where another attempt may do better (3xx, 408, 425, 5xx, no answer at all), else a dead letter',
      },
    },
  })
}
