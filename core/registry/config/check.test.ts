import { describe, expect, test } from 'vitest'
import { check, good } from './testing.ts'

describe('a good file', () => {
  test('becomes objects', () => {
    const { objects, faults, warnings } = check(good)
    expect(faults).toEqual([])
    expect(warnings).toEqual([])
    expect(objects).toEqual([
      {
        kind: 'source',
        spec: {
          tenant: 'acme',
          name: 'github',
          provider: 'github',
          secrets: ['env:GITHUB_SECRET', 'file:/run/secrets/github-old'],
          dedupe: { windowMs: 86_400_000 },
          rateLimit: { perSecond: 200, burst: 400 },
          maxBody: 1_048_576,
          contentEncoding: 'sent',
          successStatus: 200,
          ordering: 'repository.full_name',
          replay: 'accept',
        },
      },
      {
        kind: 'source',
        spec: {
          tenant: 'acme',
          name: 'own',
          verify: { scheme: 'hmac', header: 'x-signature' },
          secrets: ['env:OWN'],
          dedupe: {},
          maxBody: 1_048_576,
          replay: 'accept',
        },
      },
      {
        kind: 'destination',
        spec: {
          tenant: 'acme',
          name: 'oncall',
          connector: 'slack',
          config: { channel: '#oncall' },
          secrets: { token: 'env:SLACK_TOKEN' },
          retry: {
            attempts: 10,
            delaysMs: [5e3, 3e5, 18e5, 72e5, 18e6, 36e6, 504e5, 72e6, 864e5],
          },
          rateLimit: { perSecond: 1, concurrent: 4 },
          ordered: false,
          allowPrivate: false,
          disabled: false,
        },
      },
      {
        kind: 'destination',
        spec: {
          tenant: 'acme',
          name: 'hook',
          connector: 'webhook',
          config: { url: 'https://example.com' },
          secrets: { signing: ['env:A', 'env:B'] },
          retry: { attempts: 4, delaysMs: [5_000, 30_000, 300_000] },
          ordered: false,
          allowPrivate: true,
          disabled: true,
        },
      },
      {
        kind: 'route',
        spec: {
          tenant: 'acme',
          name: 'urgent-to-oncall',
          index: 0,
          when: 'event.type.startsWith("check_run") && score.urgency >= 0.7',
          to: ['oncall', 'hook'],
          transform: '{ "text": "Build failed in " & data.repository.full_name }',
          stop: true,
          default: false,
        },
      },
      {
        kind: 'route',
        spec: {
          tenant: 'acme',
          name: 'rest',
          index: 1,
          when: 'true',
          to: ['oncall'],
          stop: false,
          default: true,
        },
      },
    ])
  })

  test('may be empty', () => {
    expect(check('tenants:\n')).toEqual({ objects: [], warnings: [], faults: [] })
    expect(check('tenants: { acme: }\n').faults).toEqual([])
  })
})
