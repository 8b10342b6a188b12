import type { Preset } from './preset.ts'

export const checkoutCom: Preset = {
  name: 'checkout-com',
  title: 'Checkout.com',
  docs: 'https://www.checkout.com/docs/developer-resources/webhooks/manage-webhooks/verify-webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Verify webhooks, Cko-Signature',
    url: 'https://www.checkout.com/docs/developer-resources/webhooks/manage-webhooks/verify-webhooks',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'cko-signature' } }],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The signature key of the webhook action of the workflow',
  samples: [
    {
      type: 'payment_declined',
      body: {
        id: 'evt_az5sblvku4ge3dwpztvyizgcau',
        type: 'payment_declined',
        version: '1.0.0',
        created_on: '2019-08-24T14:15:22Z',
        data: {
          id: 'pay_mbabizu24mvu3mela5njyhpit4',
          action_id: 'act_y3oqhf46pyzuxjbcn2giaqnb44',
          amount: 4900,
          currency: 'EUR',
          response_code: '20051',
          response_summary: 'Insufficient funds',
          reference: 'ORD-5023-4E89',
        },
      },
    },
  ],
}
