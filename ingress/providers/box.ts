import type { Preset } from './preset.ts'

export const box: Preset = {
  name: 'box',
  title: 'Box',
  docs: 'https://developer.box.com/guides/webhooks/v2/signatures-v2/',
  evidence: {
    checked: 'vector',
    source: "Tests of Box's SDKs for Python and Node.js",
    url: 'https://github.com/box/box-node-sdk',
  },
  // Two keys sign each delivery, so that one can be replaced at a time.
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: ['box-signature-primary', 'box-signature-secondary'],
        encoding: 'base64',
        timestamp: { header: 'box-delivery-timestamp', unit: 'rfc3339' },
        template: '{body}{timestamp}',
        tolerance: '10m',
        require: [
          { header: 'box-signature-version', equals: '1' },
          { header: 'box-signature-algorithm', equals: 'HmacSHA256' },
        ],
      },
    },
  ],
  deliveryId: { header: 'box-delivery-id' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'trigger' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['box-delivery-id', 'box-delivery-timestamp', 'user-agent'],
  secret: 'The primary and the secondary signature key of the app, as two secrets',
  samples: [
    {
      type: 'FILE.UPLOADED',
      headers: { 'box-delivery-id': 'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f' },
      body: {
        type: 'webhook_event',
        id: '0f5b6bb1-4b2a-4c28-9c53-5d0d3f3b5a11',
        created_at: '2022-03-07T08:12:00-08:00',
        trigger: 'FILE.UPLOADED',
        webhook: { id: '1234567890', type: 'webhook' },
        created_by: { type: 'user', id: '11446498', name: 'Ada Lovelace' },
        source: { id: '12345', type: 'file', name: 'invoice.pdf', size: 629644 },
      },
    },
  ],
}
