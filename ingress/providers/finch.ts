import type { Preset } from './preset.ts'

export const finch: Preset = {
  name: 'finch',
  title: 'Finch',
  docs: 'https://developer.tryfinch.com/api-reference/webhooks',
  evidence: {
    checked: 'vector',
    source: 'Tests of finch-api-node, webhooks',
    url: 'https://github.com/Finch-API/finch-api-node',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'finch-signature',
        prefix: 'v1,',
        list: { separator: ' ' },
        encoding: 'base64',
        secretEncoding: 'base64',
        timestamp: { header: 'finch-timestamp', unit: 's' },
        template: '{header:finch-event-id}.{timestamp}.{body}',
        tolerance: '5m',
        require: [{ header: 'finch-event-id' }],
      },
    },
  ],
  deliveryId: { header: 'finch-event-id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event_type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['finch-event-id', 'finch-timestamp', 'user-agent'],
  secret: 'The secret of the webhook, in base64: Developers, Webhooks',
  samples: [
    {
      type: 'employment.updated',
      body: {
        company_id: '720be419-0293-4d32-a707-32179b0827ab',
        account_id: 'fc8b024e-d373-4c9c-80fc-f1625383d142',
        connection_id: 'b8d1c8d8-0a2c-4b57-8f4d-1d4f2d3b8a10',
        event_type: 'employment.updated',
        data: { individual_id: 'fc8b024e-d373-4c9c-80fc-f1625383d143' },
      },
    },
  ],
}
