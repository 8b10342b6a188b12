import type { Preset } from './preset.ts'

export const customerIo: Preset = {
  name: 'customer-io',
  title: 'Customer.io',
  docs: 'https://docs.customer.io/integrations/api/webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Reporting webhooks, Securely verify requests',
    url: 'https://docs.customer.io/integrations/api/webhooks',
  },
  schemes: [
    {
      name: 'v0',
      verify: {
        scheme: 'hmac',
        header: 'x-cio-signature',
        timestamp: { header: 'x-cio-timestamp', unit: 's' },
        template: 'v0:{timestamp}:{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { body: 'event_id' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'object_type' }, { body: 'metric' }] },
  defaultType: 'event',
  patienceMs: 4000,
  keep: ['user-agent'],
  secret: 'The webhook signing key of the reporting webhook',
  samples: [
    {
      type: 'email.bounced',
      body: {
        event_id: '01E4C4CT6YDC7Y5M7FE1GWWPQJ',
        object_type: 'email',
        metric: 'bounced',
        timestamp: 1585936767,
        data: {
          customer_id: '0200102',
          delivery_id: 'RPILAgUBcRhIBqSfeiIwdIYJKxTY',
          recipient: 'ada@example.com',
          subject: 'Thanks for signing up',
          failure_message: '550 5.5.0 Requested action not taken: mailbox unavailable',
        },
      },
    },
  ],
}
