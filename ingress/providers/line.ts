import type { Preset } from './preset.ts'

export const line: Preset = {
  name: 'line',
  title: 'LINE Messaging API',
  docs: 'https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/',
  evidence: {
    checked: 'library',
    source: '@line/bot-sdk 11.0.0, validateSignature',
    url: 'https://github.com/line/line-bot-sdk-nodejs',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-line-signature', encoding: 'base64' },
    },
  ],
  deliveryId: { body: 'events.*.webhookEventId' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'events.0.type' },
  // The console's Verify button sends no event at all.
  defaultType: 'verify',
  patienceMs: 2_000,
  keep: ['user-agent'],
  secret: 'The channel secret: Basic settings',
  samples: [
    {
      type: 'message',
      body: {
        destination: 'U8e742f61d673b39c7fff3cecb7536ef0',
        events: [
          {
            type: 'message',
            mode: 'active',
            timestamp: 1462629479859,
            webhookEventId: '01FZ74A0TDDPYRVKNK77XKC3ZR',
            deliveryContext: { isRedelivery: false },
            source: { type: 'user', userId: 'U4af4980629' },
            message: { id: '444573844083572737', type: 'text', text: 'Where is my order?' },
          },
        ],
      },
    },
  ],
}
