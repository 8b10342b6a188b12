import type { Preset } from './preset.ts'

export const coinbaseCommerce: Preset = {
  name: 'coinbase-commerce',
  title: 'Coinbase Commerce',
  docs: 'https://docs.cdp.coinbase.com/commerce/introduction/webhooks',
  evidence: {
    checked: 'library',
    source: 'coinbase-commerce-node 1.0.4, Webhook.verifyEventBody',
    url: 'https://github.com/coinbase/coinbase-commerce-node',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-cc-webhook-signature' } }],
  deliveryId: { body: 'event.id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event.type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The shared secret of webhook notifications: Settings, Notifications',
  samples: [
    {
      type: 'charge:failed',
      body: {
        id: 1,
        scheduled_for: '2017-01-31T20:50:02Z',
        attempt_number: 1,
        event: {
          id: '24934862-d980-46cb-9402-43c81b0cdba6',
          resource: 'event',
          type: 'charge:failed',
          api_version: '2018-03-22',
          created_at: '2017-01-31T20:49:02Z',
          data: { code: '66BEOV2A', name: 'Support contract', pricing_type: 'no_price' },
        },
      },
    },
  ],
}
