import type { Preset } from './preset.ts'

const messages = 'entry.*.changes.*.value.messages.*.id'
const statuses = 'entry.*.changes.*.value.statuses.*'

export const meta: Preset = {
  name: 'meta',
  aliases: ['whatsapp', 'facebook'],
  title: 'Meta, WhatsApp',
  docs: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Validating payloads',
    url: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-hub-signature-256', prefix: 'sha256=' },
    },
  ],
  // A message is told once, but sent, delivered and read bear one id.
  deliveryId: {
    first: [
      { body: messages },
      {
        join: [{ body: `${statuses}.id` }, { body: `${statuses}.status` }],
        with: ':',
        every: true,
      },
      // A message that was taken back has the id that it had.
      {
        join: [
          { body: 'entry.*.messaging.*.message.mid' },
          { body: 'entry.*.messaging.*.message.is_deleted' },
        ],
        with: ':',
      },
    ],
  },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'object' }, { body: 'entry.0.changes.0.field' }] },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  handshakes: [
    {
      kind: 'query',
      mode: ['hub.mode', 'subscribe'],
      token: 'hub.verify_token',
      challenge: 'hub.challenge',
    },
  ],
  secret:
    'The app secret; and the verify token that you typed at Meta, as a second secret verify:TOKEN (without one, the app secret itself is the verify token)',
  samples: [
    {
      type: 'whatsapp_business_account.messages',
      body: {
        object: 'whatsapp_business_account',
        entry: [
          {
            id: '102290129340398',
            changes: [
              {
                field: 'messages',
                value: {
                  messaging_product: 'whatsapp',
                  metadata: { phone_number_id: '106540352242922' },
                  messages: [
                    {
                      from: '16505551234',
                      id: 'wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA=',
                      timestamp: '1749416383',
                      type: 'text',
                      text: { body: 'Does it come in another colour?' },
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    },
  ],
}
