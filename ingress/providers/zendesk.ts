import type { Preset } from './preset.ts'

export const zendesk: Preset = {
  name: 'zendesk',
  title: 'Zendesk',
  docs: 'https://developer.zendesk.com/documentation/webhooks/verifying/',
  evidence: {
    checked: 'documentation',
    source: 'Verifying webhooks',
    url: 'https://developer.zendesk.com/documentation/webhooks/verifying/',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-zendesk-webhook-signature',
        encoding: 'base64',
        timestamp: { header: 'x-zendesk-webhook-signature-timestamp', unit: 'rfc3339' },
        template: '{timestamp}{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { header: 'x-zendesk-webhook-invocation-id' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'trigger',
  patienceMs: 10_000,
  keep: [
    'x-zendesk-account-id',
    'x-zendesk-webhook-id',
    'x-zendesk-webhook-invocation-id',
    'user-agent',
  ],
  methods: ['PUT', 'PATCH', 'DELETE'],
  secret: 'The signing secret of the webhook: Admin Center, Webhooks, Reveal secret',
  samples: [
    {
      type: 'zen:event-type:ticket.created',
      headers: {
        'x-zendesk-account-id': '123456',
        'x-zendesk-webhook-id': '01F1KRFQ6BG29CNWFR60NK5FNY',
        'x-zendesk-webhook-invocation-id': '8350205582',
      },
      body: {
        type: 'zen:event-type:ticket.created',
        id: '01GP9SPWPBMTYSFRMS4C04TSTN',
        time: '2023-01-09T05:32:15.234Z',
        account_id: 123456,
        subject: 'zen:ticket:5158',
        detail: { id: '5158', subject: 'Cannot pay', priority: 'URGENT', status: 'NEW' },
        event: {},
      },
    },
  ],
}
