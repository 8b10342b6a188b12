import type { Preset } from './preset.ts'

export const gitea: Preset = {
  name: 'gitea',
  aliases: ['forgejo'],
  title: 'Gitea, Forgejo',
  docs: 'https://docs.gitea.com/usage/webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, example of a receiver',
    url: 'https://docs.gitea.com/usage/webhooks',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-gitea-signature' } }],
  deliveryId: { header: 'x-gitea-delivery' },
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ header: 'x-gitea-event' }, { body: 'action' }] },
  defaultType: 'unknown',
  patienceMs: 10000,
  keep: [
    'x-gitea-event',
    'x-gitea-event-type',
    'x-gitea-delivery',
    'x-forgejo-event',
    'x-forgejo-delivery',
    'user-agent',
  ],
  secret: 'The secret of the webhook: repository settings, Webhooks',
  notes: ['Event and delivery id stand in headers that are not signed.'],
  samples: [
    {
      type: 'issues.opened',
      headers: {
        'x-gitea-event': 'issues',
        'x-gitea-delivery': 'f6266f16-1bf3-46a5-9ea4-602e06ead473',
      },
      body: {
        action: 'opened',
        number: 42,
        issue: {
          id: 128,
          number: 42,
          title: 'Checkout returns 500',
          state: 'open',
          html_url: 'https://git.example.com/acme/payments/issues/42',
          user: { login: 'ada' },
        },
        repository: {
          id: 140,
          name: 'payments',
          full_name: 'acme/payments',
          html_url: 'https://git.example.com/acme/payments',
          private: true,
        },
        sender: { login: 'ada' },
      },
    },
  ],
}
