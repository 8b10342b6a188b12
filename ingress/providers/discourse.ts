import type { Preset } from './preset.ts'

export const discourse: Preset = {
  name: 'discourse',
  title: 'Discourse',
  docs: 'https://meta.discourse.org/t/configure-webhooks-that-trigger-on-discourse-events/49045',
  evidence: {
    checked: 'vector',
    source: "Discourse's own tests of its delivery, emit_web_hook_event",
    url: 'https://github.com/discourse/discourse',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-discourse-event-signature', prefix: 'sha256=' },
    },
  ],
  deliveryId: { header: 'x-discourse-event-id' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'x-discourse-event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: [
    'x-discourse-event',
    'x-discourse-event-id',
    'x-discourse-event-type',
    'x-discourse-instance',
    'user-agent',
  ],
  secret: 'The secret of the webhook: Admin, Advanced, Webhooks',
  notes: ['The type of the event stands in a header alone, which the signature does not cover.'],
  samples: [
    {
      type: 'topic_created',
      headers: {
        'x-discourse-event': 'topic_created',
        'x-discourse-event-type': 'topic',
        'x-discourse-event-id': '3914',
        'x-discourse-instance': 'https://community.example.com',
      },
      body: {
        topic: {
          id: 57,
          title: 'Checkout returns 500',
          fancy_title: 'Checkout returns 500',
          posts_count: 1,
          created_at: '2024-05-03T10:12:41.342Z',
          category_id: 4,
          slug: 'checkout-returns-500',
          created_by: { id: 1, username: 'ada' },
        },
      },
    },
  ],
}
