import type { Preset } from './preset.ts'

export const stream: Preset = {
  name: 'stream',
  title: 'Stream',
  docs: 'https://getstream.io/chat/docs/node/webhooks_overview/',
  evidence: {
    checked: 'library',
    source: 'stream-chat 9.53.0, verifyWebhook',
    url: 'https://github.com/GetStream/stream-chat-js',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-signature' } }],
  deliveryId: { header: 'x-webhook-id' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 6000,
  keep: ['x-webhook-id', 'x-webhook-attempt', 'user-agent'],
  secret: 'The API secret of the app',
  samples: [
    {
      type: 'message.flagged',
      headers: { 'x-webhook-id': 'fb5a4a4b-3a3f-4d20-8d3f-4f0a2b5a6f2d', 'x-webhook-attempt': '1' },
      body: {
        type: 'message.flagged',
        cid: 'messaging:general',
        channel_id: 'general',
        channel_type: 'messaging',
        message: {
          id: '268d121f-82e0-4de2-8c8b-ce1201efd7a3',
          text: 'Buy cheap watches',
          type: 'regular',
        },
        user: { id: 'ada' },
        created_at: '2025-02-24T16:31:52.000Z',
      },
    },
  ],
}
