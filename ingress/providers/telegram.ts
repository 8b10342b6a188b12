import type { Preset } from './preset.ts'

export const telegram: Preset = {
  name: 'telegram',
  title: 'Telegram bots',
  docs: 'https://core.telegram.org/bots/api#setwebhook',
  evidence: {
    checked: 'documentation',
    source: 'Bot API, setWebhook, secret_token',
    url: 'https://core.telegram.org/bots/api#setwebhook',
  },
  schemes: [
    {
      name: 'secret-token',
      verify: { scheme: 'token', header: 'x-telegram-bot-api-secret-token' },
    },
  ],
  deliveryId: { body: 'update_id' },
  idCovered: false,
  bodyCovered: false,
  type: {
    first: [
      { join: [{ text: 'message' }, { body: 'message.chat.type' }], every: true },
      { text: 'update' },
    ],
  },
  defaultType: 'update',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret_token that you gave to setWebhook',
  notes: ['Telegram signs nothing: the token itself comes with each request.'],
  samples: [
    {
      type: 'message.private',
      body: {
        update_id: 10000,
        message: {
          message_id: 1365,
          date: 1441645532,
          from: { id: 1111111, is_bot: false, first_name: 'Ada', username: 'ada' },
          chat: { id: 1111111, type: 'private', first_name: 'Ada' },
          text: '/status',
        },
      },
    },
  ],
}
