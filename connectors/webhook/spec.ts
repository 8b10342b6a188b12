import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { httpReasons } from '../http.ts'

const ours = /^(webhook-|zenhook-|proxy-)/
const reserved = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'is no header name')
  .refine((name) => !ours.test(name.toLowerCase()) && !reserved.has(name.toLowerCase()), {
    message: 'is set by Zenhook itself',
  })

const config = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\//i, 'must start with http:// or https://')
    .max(8192)
    .describe('Where to send to; a private address also needs allowPrivate and a grant'),
  headers: z
    .record(headerName, z.string().regex(/^[\t\x20-\x7e]*$/, 'holds line breaks or non-ASCII'))
    .default({})
    .describe('Headers of your own; those that Zenhook sets cannot be changed'),
  method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('HTTP method'),
})

export type WebhookConfig = z.infer<typeof config>

export const webhookSpec: ComponentSpec<WebhookConfig> = {
  name: 'webhook',
  kind: 'connector',
  summary:
    'Standard Webhooks 1.0 to any URL: the verified bytes unchanged, or what the transform made of them',
  status: 'stable',
  config,
  targets: ['url'],
  secrets: {
    signing: {
      description:
        'whsec_ and base64 of 24 to 64 bytes (HMAC-SHA256), or whsk_ and an ed25519 key; several sign during a rotation; without one the messages are not signed',
      required: false,
      many: true,
    },
  },
  reasons: {
    ...httpReasons,
    hop_limit: 'The event passed through Zenhook too often: routes form a loop',
  },
  examples: [
    {
      title: 'A signed webhook during a rotation of its key',
      yaml: `connector: webhook
config: { url: "https://hooks.example.com/zenhook" }
secrets: { signing: [env:HOOK_SECRET, env:HOOK_SECRET_OLD] }
`,
    },
  ],
}
