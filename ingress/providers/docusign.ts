import type { Preset } from './preset.ts'

export const docusign: Preset = {
  name: 'docusign',
  title: 'Docusign Connect',
  docs: 'https://developers.docusign.com/platform/webhooks/connect/validate/',
  evidence: {
    checked: 'documentation',
    source: 'Validate a Connect message with HMAC',
    url: 'https://developers.docusign.com/platform/webhooks/connect/validate/',
  },
  // One header for each live key: X-DocuSign-Signature-1, -2, …
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-docusign-signature-*', encoding: 'base64' },
    },
  ],
  deliveryId: {
    join: [{ body: 'data.envelopeId' }, { body: 'event' }, { body: 'generatedDateTime' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret: 'A Connect key, as its text: Settings, Connect, Connect Keys',
  samples: [
    {
      type: 'envelope-completed',
      body: {
        event: 'envelope-completed',
        apiVersion: 'v2.1',
        uri: '/restapi/v2.1/accounts/0cdb3ff3/envelopes/9ba8eaba',
        retryCount: 0,
        configurationId: 10482378,
        generatedDateTime: '2022-02-01T10:13:59.6370000Z',
        data: {
          accountId: '0cdb3ff3-0000-4e43-0000-000000000000',
          envelopeId: '9ba8eaba-0000-4c7e-0000-000000000000',
          envelopeSummary: { status: 'completed', emailSubject: 'Please sign: contract' },
        },
      },
    },
  ],
}
