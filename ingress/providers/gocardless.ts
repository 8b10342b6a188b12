import type { Preset } from './preset.ts'

export const gocardless: Preset = {
  name: 'gocardless',
  title: 'GoCardless',
  docs: 'https://developer.gocardless.com/api-reference/#webhooks-overview',
  evidence: {
    checked: 'library',
    source: 'gocardless-nodejs 10.1.2, webhooks.parse',
    url: 'https://github.com/gocardless/gocardless-nodejs',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'webhook-signature' } }],
  deliveryId: { body: 'events.*.id' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'events.0.resource_type' }, { body: 'events.0.action' }] },
  defaultType: 'events',
  patienceMs: 10000,
  keep: ['origin', 'user-agent'],
  secret: 'The secret of the webhook endpoint: Developers, Webhook endpoints',
  notes: ['One delivery may hold many events; the type is that of the first.'],
  samples: [
    {
      type: 'payments.failed',
      body: {
        events: [
          {
            id: 'EV00BD05S5VM2T',
            created_at: '2018-07-05T09:13:51.404Z',
            resource_type: 'payments',
            action: 'failed',
            links: { payment: 'PM0003JR42123Z' },
            details: {
              origin: 'bank',
              cause: 'insufficient_funds',
              description: 'The customer had insufficient funds.',
              scheme: 'bacs',
            },
            metadata: {},
          },
        ],
        meta: { webhook_id: 'WB000123' },
      },
    },
  ],
}
