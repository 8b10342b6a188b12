import type { Preset } from './preset.ts'

export const buildkite: Preset = {
  name: 'buildkite',
  title: 'Buildkite',
  docs: 'https://buildkite.com/docs/apis/webhooks/pipelines',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Verifying HMAC signatures',
    url: 'https://buildkite.com/docs/apis/webhooks/pipelines',
  },
  schemes: [
    {
      name: 'signature',
      when: { header: 'x-buildkite-signature' },
      verify: {
        scheme: 'hmac',
        header: 'x-buildkite-signature',
        list: { separator: ',', key: 'signature' },
        timestamp: { key: 'timestamp', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '5m',
      },
      bodyCovered: true,
    },
    { name: 'token', verify: { scheme: 'token', header: 'x-buildkite-token' } },
  ],
  idCovered: false,
  bodyCovered: false,
  type: { first: [{ body: 'event' }, { header: 'x-buildkite-event' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-buildkite-event', 'x-buildkite-request', 'user-agent'],
  secret:
    'The token of the webhook notification service; choose that it signs (X-Buildkite-Signature)',
  notes: ['With the plain token nothing of the request is covered: choose the signature.'],
  samples: [
    {
      type: 'build.finished',
      headers: { 'x-buildkite-event': 'build.finished' },
      body: {
        event: 'build.finished',
        build: {
          id: '0191e23a-4bc8-7683-bfa4-5f73bc9b7c44',
          number: 27,
          state: 'failed',
          branch: 'main',
          commit: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
          web_url: 'https://buildkite.com/acme/payments/builds/27',
        },
        pipeline: {
          id: '0190e784-eeb7-4ce4-9d2d-87f7aba85433',
          slug: 'payments',
          name: 'Payments',
        },
        sender: { id: '3d3c3bf0-7d58-4afe-8fe7-b3017d5504de', name: 'Ada Example' },
      },
    },
  ],
}
