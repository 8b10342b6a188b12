import type { Preset } from './preset.ts'

export const pulumi: Preset = {
  name: 'pulumi',
  title: 'Pulumi Cloud',
  docs: 'https://www.pulumi.com/docs/pulumi-cloud/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Headers',
    url: 'https://www.pulumi.com/docs/pulumi-cloud/webhooks/#headers',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'pulumi-webhook-signature' } }],
  deliveryId: { header: 'pulumi-webhook-id' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'pulumi-webhook-kind' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['pulumi-webhook-id', 'pulumi-webhook-kind', 'user-agent'],
  secret: 'The secret of the webhook: settings of the organisation or the stack, Webhooks',
  notes: ['The kind of the event stands in a header alone, which the signature does not cover.'],
  samples: [
    {
      type: 'stack_update',
      headers: {
        'pulumi-webhook-kind': 'stack_update',
        'pulumi-webhook-id': '2a3b4c5d-6e7f-4a8b-9c0d-1e2f3a4b5c6d',
      },
      body: {
        user: { name: 'Ada Example', githubLogin: 'ada' },
        organization: { name: 'Acme', githubLogin: 'acme' },
        projectName: 'payments',
        stackName: 'production',
        updateUrl: 'https://app.pulumi.com/acme/payments/production/updates/12',
        kind: 'update',
        result: 'failed',
        resourceChanges: { update: 1, same: 12 },
      },
    },
  ],
}
