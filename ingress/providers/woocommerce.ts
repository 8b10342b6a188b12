import type { Preset } from './preset.ts'

export const woocommerce: Preset = {
  name: 'woocommerce',
  title: 'WooCommerce',
  docs: 'https://developer.woocommerce.com/docs/best-practices/urls-and-routing/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, X-WC-Webhook-Signature',
    url: 'https://developer.woocommerce.com/docs/best-practices/urls-and-routing/webhooks/',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-wc-webhook-signature', encoding: 'base64' },
    },
  ],
  deliveryId: { header: 'x-wc-webhook-delivery-id' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'x-wc-webhook-topic' },
  defaultType: 'event',
  patienceMs: 60000,
  keep: [
    'x-wc-webhook-topic',
    'x-wc-webhook-resource',
    'x-wc-webhook-event',
    'x-wc-webhook-id',
    'x-wc-webhook-delivery-id',
    'x-wc-webhook-source',
    'user-agent',
  ],
  secret: 'The secret of the webhook: WooCommerce, Settings, Advanced, Webhooks',
  notes: [
    'The topic stands in a header alone, which the signature does not cover.',
    'The ping of a new webhook is not signed, and is refused; WooCommerce shows that, and goes on.',
  ],
  samples: [
    {
      type: 'order.updated',
      headers: {
        'x-wc-webhook-topic': 'order.updated',
        'x-wc-webhook-resource': 'order',
        'x-wc-webhook-event': 'updated',
        'x-wc-webhook-id': '142',
        'x-wc-webhook-delivery-id': '0f4f2f5d8a3c1b7e9d6c5b4a39281706',
        'x-wc-webhook-source': 'https://shop.example.com/',
      },
      body: {
        id: 727,
        number: '727',
        status: 'failed',
        currency: 'EUR',
        total: '49.00',
        date_modified_gmt: '2024-03-22T16:28:08',
        billing: { email: 'ada@example.com' },
        payment_method: 'bacs',
      },
    },
  ],
}
