import type { Preset } from './preset.ts'

export const messagebird: Preset = {
  name: 'messagebird',
  aliases: ['bird'],
  title: 'MessageBird',
  docs: 'https://developers.messagebird.com/api/#verifying-http-requests',
  evidence: {
    checked: 'library',
    source: 'messagebird 4.0.1, webhook-signature-jwt',
    url: 'https://github.com/messagebird/messagebird-nodejs',
  },
  schemes: [
    {
      name: 'jwt',
      verify: {
        scheme: 'jwt',
        header: 'messagebird-signature-jwt',
        prefix: '',
        algorithms: ['HS256', 'HS384', 'HS512'],
        issuer: 'MessageBird',
        urlHash: 'url_hash',
        bodyHash: 'payload_hash',
        required: ['nbf', 'exp', 'jti'],
        leeway: '5s',
      },
    },
  ],
  deliveryId: { proven: 'jti' },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'type' }, { body: 'status' }] },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['messagebird-request-timestamp', 'user-agent'],
  secret:
    'The signing key: Developers, Settings; PUBLIC_URL must be the URL that MessageBird calls',
  samples: [
    {
      type: 'message.created',
      body: {
        type: 'message.created',
        conversation: { id: '2e15efafec384e1c82e9842075e87beb', status: 'active' },
        contact: { msisdn: 31612345678 },
        message: {
          id: '26f1a8a0c5f04e6cbd2ffb0b5f4e4ba1',
          channelId: '619747f69cf940a98fb443140ce9aed2',
          direction: 'received',
          type: 'text',
          content: { text: 'Hello!' },
        },
      },
    },
  ],
}
