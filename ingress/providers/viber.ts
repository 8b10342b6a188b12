import type { Preset } from './preset.ts'

export const viber: Preset = {
  name: 'viber',
  title: 'Viber',
  docs: 'https://developers.viber.com/docs/api/rest-bot-api/#callbacks',
  evidence: {
    checked: 'library',
    source: 'viber-bot 1.0.18, MessageValidator',
    url: 'https://github.com/Viber/viber-bot-node',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-viber-content-signature' } }],
  deliveryId: {
    join: [{ body: 'event' }, { body: 'message_token' }, { body: 'user_id' }],
    with: ':',
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 5000,
  keep: ['user-agent'],
  secret: 'The authentication token of the bot',
  samples: [
    {
      type: 'message',
      body: {
        event: 'message',
        timestamp: 1457764197627,
        message_token: 4912661846655238000,
        sender: {
          id: '01234567890A=',
          name: 'Ada Example',
          country: 'DE',
          language: 'de',
          api_version: 1,
        },
        message: { type: 'text', text: 'Is the service down?', tracking_data: '' },
      },
    },
  ],
}
