import type { Preset } from './preset.ts'

export const dodoPayments: Preset = {
  name: 'dodo-payments',
  title: 'Dodo Payments',
  docs: 'https://docs.dodopayments.com/developer-resources/webhooks',
  evidence: {
    checked: 'library',
    source: 'dodopayments 2.52.0, webhooks.unwrap',
    url: 'https://github.com/dodopayments/dodopayments-typescript',
  },
  schemes: [
    { name: 'v1', verify: { scheme: 'standard-webhooks', headers: ['webhook'], tolerance: '5m' } },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 15000,
  keep: ['webhook-id', 'webhook-timestamp', 'user-agent'],
  secret: 'The secret key of the webhook: Developer, Webhooks',
  samples: [
    {
      type: 'payment.failed',
      body: {
        business_id: 'bus_P3SXLi0MAvDeUVuMvOxMR',
        type: 'payment.failed',
        timestamp: '2025-08-04T05:30:31.152232Z',
        data: {
          payload_type: 'Payment',
          payment_id: 'pay_2IjeQm4hqU6RA4Z4kwDee',
          status: 'failed',
          total_amount: 4900,
          currency: 'EUR',
          customer: { customer_id: 'cus_8VbC6JDZzPEqfB', email: 'ada@example.com' },
        },
      },
    },
  ],
}
