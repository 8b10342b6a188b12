import type { Preset } from './preset.ts'

export const vonage: Preset = {
  name: 'vonage',
  title: 'Vonage',
  docs: 'https://developer.vonage.com/en/getting-started/concepts/webhooks#validating-signed-webhooks',
  evidence: {
    checked: 'library',
    source: '@vonage/jwt 1.14.0, verifySignature; the hash of the body by the documentation',
    url: 'https://github.com/Vonage/vonage-node-sdk',
  },
  schemes: [
    {
      name: 'jwt',
      verify: {
        scheme: 'jwt',
        header: 'authorization',
        prefix: 'Bearer ',
        algorithms: ['HS256'],
        bodyHash: 'payload_hash',
        required: ['iat', 'jti'],
        leeway: '30s',
        maxLifetime: '5m',
      },
    },
  ],
  deliveryId: { proven: 'jti' },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'message_type' }, { body: 'status' }, { body: 'type' }] },
  defaultType: 'event',
  patienceMs: 3000,
  keep: ['user-agent'],
  secret: 'The signature secret of the account: API Settings, with SHA-256',
  notes: [
    'Only webhooks with a body are covered whole; callbacks that Vonage sends with GET carry everything in the query, which the token does not cover, so they are not taken.',
  ],
  samples: [
    {
      type: 'text',
      body: {
        message_uuid: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab',
        to: '447700900000',
        from: '447700900001',
        timestamp: '2025-02-03T12:14:25Z',
        channel: 'sms',
        message_type: 'text',
        text: 'Is the service down?',
      },
    },
  ],
}
