import type { Preset } from './preset.ts'

export const airtable: Preset = {
  name: 'airtable',
  title: 'Airtable',
  docs: 'https://airtable.com/developers/web/api/webhooks-overview',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks overview, X-Airtable-Content-MAC',
    url: 'https://airtable.com/developers/web/api/webhooks-overview',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-airtable-content-mac',
        prefix: 'hmac-sha256=',
        secretEncoding: 'base64',
      },
    },
  ],
  deliveryId: { join: [{ body: 'webhook.id' }, { body: 'timestamp' }], with: ':', every: true },
  idCovered: true,
  bodyCovered: true,
  type: { text: 'notification' },
  defaultType: 'notification',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The macSecretBase64 that the API gave when the webhook was made',
  notes: ['A notification says only that something changed: what did is read from the API.'],
  samples: [
    {
      type: 'notification',
      body: {
        base: { id: 'app00000000000000' },
        webhook: { id: 'ach00000000000000' },
        timestamp: '2022-02-01T21:25:05.663Z',
      },
    },
  ],
}
