import type { Preset } from './preset.ts'

export const linear: Preset = {
  name: 'linear',
  title: 'Linear',
  docs: 'https://linear.app/developers/webhooks#securing-webhooks',
  evidence: {
    checked: 'library',
    source: '@linear/sdk 98.0.0, LinearWebhooks.verify',
    url: 'https://github.com/linear/linear',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'linear-signature',
        timestamp: { body: 'webhookTimestamp', unit: 'ms' },
        tolerance: '1m',
      },
    },
  ],
  deliveryId: { header: 'linear-delivery' },
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ body: 'type' }, { body: 'action' }] },
  defaultType: 'unknown',
  patienceMs: 5_000,
  keep: ['linear-delivery', 'linear-event', 'user-agent'],
  secret: 'The signing secret of the webhook: Settings, API, Webhooks',
  samples: [
    {
      type: 'Issue.create',
      headers: {
        'linear-delivery': '234d1a4e-b617-4388-90fe-adc3633d6b72',
        'linear-event': 'Issue',
      },
      body: {
        action: 'create',
        type: 'Issue',
        createdAt: '2020-01-23T12:53:18.084Z',
        organizationId: '1d0e7c3f-7d0f-4b0e-8f35-2f3d1b3f2d10',
        data: {
          id: '2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9',
          number: 421,
          title: 'Checkout returns 500',
          priority: 1,
          state: { name: 'Todo' },
          team: { key: 'PAY' },
        },
        url: 'https://linear.app/acme/issue/PAY-421',
        webhookTimestamp: 1676056940508,
        webhookId: '000042e3-d123-4980-b49f-8e140eef9329',
      },
    },
  ],
}
