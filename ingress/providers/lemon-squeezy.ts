import type { Preset } from './preset.ts'

export const lemonSqueezy: Preset = {
  name: 'lemon-squeezy',
  title: 'Lemon Squeezy',
  docs: 'https://docs.lemonsqueezy.com/help/webhooks/signing-requests',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Signing requests',
    url: 'https://docs.lemonsqueezy.com/help/webhooks/signing-requests',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-signature' } }],
  idCovered: false,
  bodyCovered: true,
  type: { body: 'meta.event_name' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-event-name', 'user-agent'],
  secret: 'The signing secret of the webhook (at least eight characters): Settings, Webhooks',
  notes: [
    'Lemon Squeezy takes 200 alone for success and Zenhook answers 202: each event comes three times more, with the same signature, and is told as a copy.',
  ],
  samples: [
    {
      type: 'subscription_payment_failed',
      headers: { 'x-event-name': 'subscription_payment_failed' },
      body: {
        meta: { event_name: 'subscription_payment_failed', test_mode: false },
        data: {
          type: 'subscription-invoices',
          id: '1',
          attributes: {
            store_id: 1,
            subscription_id: 1,
            billing_reason: 'renewal',
            status: 'pending',
            status_formatted: 'Pending',
            total: 1199,
            currency: 'USD',
            user_email: 'ada@example.com',
            updated_at: '2023-01-18T12:17:01.000000Z',
          },
        },
      },
    },
  ],
}
