import type { Preset } from './preset.ts'

export const cashfree: Preset = {
  name: 'cashfree',
  title: 'Cashfree Payments',
  docs: 'https://www.cashfree.com/docs/payments/online/webhooks/overview',
  evidence: {
    checked: 'library',
    source: 'cashfree-pg 6.0.6, PGVerifyWebhookSignature',
    url: 'https://github.com/cashfree/cashfree-pg-sdk-nodejs',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-webhook-signature',
        encoding: 'base64',
        timestamp: { header: 'x-webhook-timestamp', unit: 'ms' },
        template: '{timestamp}{body}',
        tolerance: '1h',
      },
    },
  ],
  deliveryId: {
    join: [{ body: 'type' }, { body: 'data.payment.cf_payment_id' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-webhook-version', 'user-agent'],
  secret: 'The client secret of the account: Developers, API Keys',
  notes: [
    'Time and body stand side by side with nothing between them; a body that is an object lends no digit to the time.',
    'Cashfree names no tolerance and retries within half an hour: the tolerance is an hour.',
  ],
  samples: [
    {
      type: 'PAYMENT_FAILED_WEBHOOK',
      body: {
        data: {
          order: { order_id: 'order_OFR_2', order_amount: 2, order_currency: 'INR' },
          payment: {
            cf_payment_id: 1453002795,
            payment_status: 'FAILED',
            payment_amount: 1,
            payment_currency: 'INR',
            payment_message: 'Transaction declined by the bank',
          },
          customer_details: { customer_id: '7112AAA812234' },
        },
        event_time: '2022-11-18T12:20:29+05:30',
        type: 'PAYMENT_FAILED_WEBHOOK',
      },
    },
  ],
}
