import { z } from 'zod'
import type { ComponentSpec } from '../../config/component.ts'
import { checkConfig } from './index.ts'
import type { Components } from './schema.ts'

const spec = (
  name: string,
  kind: ComponentSpec['kind'],
  config: z.ZodType,
  secrets: ComponentSpec['secrets'] = {},
): ComponentSpec => ({
  name,
  kind,
  summary: `The ${name} ${kind}`,
  status: 'stable',
  config,
  secrets,
  reasons: {},
  examples: [],
})

export const components: Components = {
  providers: [
    {
      name: 'github',
      secrets: { secret: { description: 'Webhook secret', required: true, many: true } },
    },
    { name: 'standard-webhooks', aliases: ['svix'] },
    { name: 'okta' },
  ],
  verifiers: [
    spec(
      'hmac',
      'verifier',
      z.strictObject({
        scheme: z.literal('hmac'),
        header: z.string(),
        algorithm: z.enum(['sha256', 'sha512']).default('sha256'),
      }),
      { secret: { description: 'Key', required: true, many: true } },
    ),
  ],
  connectors: [
    spec(
      'webhook',
      'connector',
      z.strictObject({
        url: z.string().regex(/^https?:/, 'must start with http:// or https://'),
        method: z.enum(['POST', 'PUT']).default('POST'),
        headers: z.record(z.string(), z.string()).default({}),
      }),
      { signing: { description: 'Key', required: false, many: true } },
    ),
    spec('slack', 'connector', z.strictObject({ channel: z.string() }), {
      token: { description: 'Bot token', required: true, many: false },
    }),
    spec('bin', 'connector', z.strictObject({})),
  ],
  verifyFault: ({ provider, verify }) =>
    provider === 'okta' && Object.hasOwn(verify ?? {}, 'hedder')
      ? { path: ['hedder'], message: 'no setting of okta', known: ['header'] }
      : undefined,
}

/** What a file comes to, with a few components. */
export const check = (text: string) => checkConfig(text, 'zenhook.yaml', components)
export const places = (text: string): readonly string[] =>
  check(text).faults.map(
    ({ line, column, code, message }) =>
      `${line}:${column} ${code.replace('ZENHOOK_CONFIG_', '')} ${message}`,
  )
export const warnings = (text: string): readonly string[] =>
  check(text).warnings.map(
    ({ line, column, code }) => `${line}:${column} ${code.replace('ZENHOOK_CONFIG_', '')}`,
  )

export const good = `tenants:
  acme:
    sources:
      github:
        provider: github                  # a preset
        secrets: [env:GITHUB_SECRET, file:/run/secrets/github-old]
        dedupe: { window: 24h }
        rateLimit: { perSecond: 200, burst: 400 }
        maxBody: 1MiB
        contentEncoding: sent
        successStatus: 200
        ordering: repository.full_name
      own:
        verify: { scheme: hmac, header: x-signature }
        secrets: [env:OWN]
        replay: accept
    destinations:
      oncall:
        connector: slack
        config: { channel: "#oncall" }
        secrets: { token: env:SLACK_TOKEN }
        retry: { attempts: 10, schedule: standard }
        rateLimit: { perSecond: 1, concurrent: 4 }
        ordered: false
      hook:
        connector: webhook
        config: { url: "https://example.com" }
        secrets: { signing: [env:A, env:B] }
        retry: { schedule: [5s, 30s, 5m] }
        allowPrivate: true
        disabled: true
    routes:
      - name: urgent-to-oncall
        when: event.type.startsWith("check_run") && score.urgency >= 0.7
        to: [oncall, hook]
        transform: '{ "text": "Build failed in " & data.repository.full_name }'
        stop: true
      - name: rest
        default: true
        to: [oncall]
`
