import type { Preset } from './preset.ts'

export const shopify: Preset = {
  name: 'shopify',
  title: 'Shopify',
  docs: 'https://shopify.dev/docs/apps/build/webhooks/subscribe/https',
  evidence: {
    checked: 'library',
    source: '@shopify/shopify-api 13.1.0, webhooks.validate',
    url: 'https://github.com/Shopify/shopify-app-js',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-shopify-hmac-sha256', encoding: 'base64' },
    },
  ],
  deliveryId: { header: 'x-shopify-webhook-id' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'x-shopify-topic' },
  defaultType: 'unknown',
  patienceMs: 5_000,
  keep: [
    'x-shopify-topic',
    'x-shopify-shop-domain',
    'x-shopify-api-version',
    'x-shopify-webhook-id',
    'x-shopify-event-id',
    'x-shopify-triggered-at',
    'user-agent',
  ],
  secret:
    'The client secret of the app, or the signing secret under Settings, Notifications, Webhooks',
  notes: ['Topic, shop, time and id of the delivery stand in headers that are not signed.'],
  samples: [
    {
      type: 'orders/create',
      headers: {
        'x-shopify-topic': 'orders/create',
        'x-shopify-shop-domain': 'example.myshopify.com',
        'x-shopify-api-version': '2025-07',
        'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
        'x-shopify-event-id': '98880550-7158-44d4-b7cd-2c97c8a091b5',
        'x-shopify-triggered-at': '2023-03-29T18:00:27.877041743Z',
      },
      body: {
        id: 820982911946154,
        email: 'jon@example.com',
        created_at: '2023-03-29T14:00:00-04:00',
        currency: 'USD',
        total_price: '398.00',
        financial_status: 'pending',
        name: '#9999',
        line_items: [{ id: 866550311766439, title: 'IPod Nano - 8GB', quantity: 1 }],
      },
    },
  ],
}
