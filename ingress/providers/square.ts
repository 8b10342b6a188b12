import type { Preset } from './preset.ts'

export const square: Preset = {
  name: 'square',
  title: 'Square',
  docs: 'https://developer.squareup.com/docs/webhooks/step3validate',
  evidence: {
    checked: 'vector',
    source: 'Verify and validate an event notification',
    url: 'https://developer.squareup.com/docs/webhooks/step3validate',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-square-hmacsha256-signature',
        encoding: 'base64',
        template: '{url}{body}',
      },
    },
  ],
  deliveryId: { body: 'event_id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['square-environment', 'square-retry-number', 'square-retry-reason', 'user-agent'],
  secret:
    'The signature key of the webhook subscription; PUBLIC_URL must be the URL that Square calls',
  samples: [
    {
      type: 'payment.updated',
      headers: { 'square-environment': 'Production' },
      body: {
        merchant_id: '6SSW7HV8K2ST5',
        type: 'payment.updated',
        event_id: '6a8f5f28-54a1-4eb0-a98a-3111513fd4fc',
        created_at: '2020-02-06T21:27:34.308Z',
        data: {
          type: 'payment',
          id: 'hYy9pRFVxpDsO1FB05SunFWUe9JZY',
          object: { payment: { status: 'FAILED', amount_money: { amount: 100, currency: 'USD' } } },
        },
      },
    },
  ],
}
