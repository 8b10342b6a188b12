import type { Preset } from './preset.ts'

export const stripe: Preset = {
  name: 'stripe',
  title: 'Stripe',
  docs: 'https://docs.stripe.com/webhooks/signature',
  evidence: {
    checked: 'library',
    source: 'stripe 23.1.0, verifyHeader and generateTestHeaderString',
    url: 'https://github.com/stripe/stripe-node',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'stripe-signature',
        list: { separator: ',', key: 'v1' },
        timestamp: { key: 't', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret: 'The signing secret of the endpoint, whsec_…: Workbench, Webhooks',
  samples: [
    {
      type: 'invoice.payment_failed',
      body: {
        id: 'evt_1PgafmB7WZ01zgkWkM3NGJd7',
        object: 'event',
        api_version: '2024-06-20',
        created: 1721811900,
        type: 'invoice.payment_failed',
        livemode: false,
        pending_webhooks: 1,
        data: {
          object: {
            id: 'in_1PgafjB7WZ01zgkWB6WKuLKD',
            object: 'invoice',
            amount_due: 4_900,
            currency: 'eur',
            attempt_count: 2,
            customer: 'cus_QXg1o8vcGmoR32',
            status: 'open',
          },
        },
      },
    },
  ],
}
