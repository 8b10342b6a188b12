import type { Preset } from './preset.ts'

export const razorpay: Preset = {
  name: 'razorpay',
  title: 'Razorpay',
  docs: 'https://razorpay.com/docs/webhooks/validate-test/',
  evidence: {
    checked: 'library',
    source: 'razorpay 2.9.8, validateWebhookSignature',
    url: 'https://github.com/razorpay/razorpay-node',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-razorpay-signature' } }],
  deliveryId: { header: 'x-razorpay-event-id' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 5_000,
  keep: ['x-razorpay-event-id', 'user-agent'],
  secret: 'The secret of the webhook: Account & Settings, Webhooks',
  samples: [
    {
      type: 'payment.failed',
      headers: { 'x-razorpay-event-id': 'JEwZxGz8LtIuGd' },
      body: {
        entity: 'event',
        account_id: 'acc_BFQ7uQEaa7j2z7',
        event: 'payment.failed',
        contains: ['payment'],
        payload: {
          payment: {
            entity: {
              id: 'pay_DESyPLLRBQT3bW',
              amount: 100,
              currency: 'INR',
              status: 'failed',
              error_code: 'GATEWAY_ERROR',
            },
          },
        },
        created_at: 1567674606,
      },
    },
  ],
}
