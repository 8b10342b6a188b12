import type { Preset } from './preset.ts'

export const polar: Preset = {
  name: 'polar',
  title: 'Polar',
  docs: 'https://polar.sh/docs/integrate/webhooks/delivery',
  evidence: {
    checked: 'library',
    source: '@polar-sh/sdk 0.49.0, validateEvent',
    url: 'https://github.com/polarsource/polar-js',
  },
  // Standard Webhooks, but for the key: it is the text of the secret, not what base64 in it stands for.
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'webhook-signature',
        prefix: 'v1,',
        list: { separator: ' ' },
        encoding: 'base64',
        timestamp: { header: 'webhook-timestamp', unit: 's' },
        template: '{header:webhook-id}.{timestamp}.{body}',
        tolerance: '5m',
        require: [{ header: 'webhook-id' }],
      },
    },
  ],
  deliveryId: { header: 'webhook-id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['webhook-id', 'webhook-timestamp', 'user-agent'],
  secret: 'The secret of the endpoint, as its text: Settings, Webhooks',
  samples: [
    {
      type: 'order.paid',
      body: {
        type: 'order.paid',
        timestamp: '2025-03-04T10:12:41.342Z',
        data: {
          id: '57107b74-8400-4d80-a2fc-54c2b4239cb3',
          status: 'paid',
          paid: true,
          total_amount: 4900,
          currency: 'eur',
          billing_reason: 'subscription_cycle',
          customer: { id: '992fae2a-2a17-4b7a-8d9e-e287cf90131b', email: 'ada@example.com' },
        },
      },
    },
  ],
}
