import type { Preset } from './preset.ts'

export const kontentAi: Preset = {
  name: 'kontent-ai',
  title: 'Kontent.ai',
  docs: 'https://kontent.ai/learn/docs/webhooks/javascript#a-notifications-signature',
  evidence: {
    checked: 'vector',
    source: 'Tests of webhook-helper-js, signatures',
    url: 'https://github.com/kontent-ai/webhook-helper-js',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-kontent-ai-signature', encoding: 'base64' },
    },
  ],
  idCovered: false,
  bodyCovered: true,
  type: {
    join: [
      { body: 'notifications.0.message.object_type' },
      { body: 'notifications.0.message.action' },
    ],
  },
  defaultType: 'notification',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook, as its text: Environment settings, Webhooks',
  notes: [
    'The line breaks of the body are CRLF and are signed so: a proxy that mends them breaks the signature.',
  ],
  samples: [
    {
      type: 'content_item.published',
      body: {
        notifications: [
          {
            data: {
              system: {
                id: '74fda2ec-5f05-45e6-801c-0b041697256c',
                name: 'Release notes',
                codename: 'release_notes',
                type: 'article',
                language: 'default',
                last_modified: '2025-11-26T10:12:53.4900599Z',
              },
            },
            message: {
              environment_id: '2db94c54-294a-016e-81d4-826f7e4a11d8',
              object_type: 'content_item',
              action: 'published',
              delivery_slot: 'published',
            },
          },
        ],
      },
    },
  ],
}
