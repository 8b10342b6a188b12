import type { Preset } from './preset.ts'

export const paystack: Preset = {
  name: 'paystack',
  title: 'Paystack',
  docs: 'https://paystack.com/docs/payments/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Signature validation',
    url: 'https://paystack.com/docs/payments/webhooks/',
  },
  schemes: [
    {
      name: 'sha512',
      verify: { scheme: 'hmac', header: 'x-paystack-signature', algorithm: 'sha512' },
    },
  ],
  deliveryId: { join: [{ body: 'event' }, { body: 'data.id' }], with: ':', every: true },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret key of the account, sk_…: Settings, API Keys & Webhooks',
  notes: [
    'The documentation asks for 200 and Zenhook answers 202: should an event come again, its id tells it as a copy.',
    'The key that signs is the one that calls the API: whoever reads it can spend.',
  ],
  samples: [
    {
      type: 'charge.success',
      body: {
        event: 'charge.success',
        data: {
          id: 302961,
          domain: 'live',
          status: 'success',
          reference: 'qTPrJoy9Bx',
          amount: 10000,
          currency: 'NGN',
          channel: 'card',
          gateway_response: 'Approved by Financial Institution',
          paid_at: '2016-09-30T21:10:19.000Z',
          customer: { id: 68324, email: 'ada@example.com', customer_code: 'CUS_qo38as2hpsgk2r0' },
        },
      },
    },
  ],
}
