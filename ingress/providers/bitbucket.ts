import type { Preset } from './preset.ts'

export const bitbucket: Preset = {
  name: 'bitbucket',
  title: 'Bitbucket',
  docs: 'https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Manage webhooks, Secure webhooks',
    url: 'https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks',
  },
  schemes: [
    { name: 'sha256', verify: { scheme: 'hmac', header: 'x-hub-signature', prefix: 'sha256=' } },
  ],
  deliveryId: { header: 'x-request-uuid' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'x-event-key' },
  defaultType: 'unknown',
  patienceMs: 10_000,
  keep: ['x-event-key', 'x-hook-uuid', 'x-request-uuid', 'x-attempt-number', 'user-agent'],
  secret: 'The secret of the webhook: repository settings, Webhooks',
  samples: [
    {
      type: 'repo:push',
      headers: {
        'x-event-key': 'repo:push',
        'x-request-uuid': '5c2c8b3f-1d2a-4d0c-9a43-2d5b7b1a1f2e',
        'x-hook-uuid': '9f6d0b9e-6f5a-4a3f-8a0f-0c6d4e2f7b1c',
        'x-attempt-number': '1',
      },
      body: {
        actor: { display_name: 'Emma', type: 'user' },
        repository: { full_name: 'acme/payments', name: 'payments' },
        push: { changes: [{ new: { name: 'main', type: 'branch' }, forced: false }] },
      },
    },
  ],
}
