import type { Preset } from './preset.ts'

export const ghost: Preset = {
  name: 'ghost',
  title: 'Ghost',
  docs: 'https://ghost.org/docs/webhooks/',
  evidence: {
    checked: 'documentation',
    source: "Ghost's own source, webhook-trigger",
    url: 'https://github.com/TryGhost/Ghost',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-ghost-signature',
        list: { separator: ',', key: 'sha256' },
        timestamp: { key: 't', unit: 'ms' },
        template: '{body}{timestamp}',
        tolerance: '5m',
      },
    },
  ],
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ text: 'post' }, { body: 'post.current.status' }], every: true },
  defaultType: 'event',
  patienceMs: 2000,
  keep: ['content-version', 'user-agent'],
  secret: 'The secret of the webhook: Settings, Integrations, the integration',
  notes: [
    'Versions of Ghost before the time was signed cover the body alone; their requests are refused.',
    'No header and no field names the event: only of posts is the state told.',
    'Body and time stand side by side with nothing between them; a body that is an object lends no digit to the time.',
  ],
  samples: [
    {
      type: 'post.published',
      body: {
        post: {
          current: {
            id: '64f1c9',
            uuid: 'e0a2c7a6-7c1c-4c56-8d9c-3f1fd7f0a1a2',
            title: 'Release notes',
            slug: 'release-notes',
            status: 'published',
            visibility: 'public',
            url: 'https://blog.example.com/release-notes/',
            published_at: '2024-02-10T17:22:09.000Z',
          },
          previous: { status: 'draft', published_at: null },
        },
      },
    },
  ],
}
