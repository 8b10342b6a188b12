import type { Preset } from './preset.ts'

export const liveblocks: Preset = {
  name: 'liveblocks',
  title: 'Liveblocks',
  docs: 'https://liveblocks.io/docs/platform/webhooks',
  evidence: {
    checked: 'library',
    source: '@liveblocks/node 3.24.2, WebhookHandler',
    url: 'https://github.com/liveblocks/liveblocks',
  },
  schemes: [
    { name: 'v1', verify: { scheme: 'standard-webhooks', headers: ['webhook'], tolerance: '5m' } },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 15000,
  keep: ['webhook-id', 'webhook-timestamp', 'user-agent'],
  secret: 'The signing secret of the endpoint, whsec_…: project, Webhooks',
  samples: [
    {
      type: 'commentCreated',
      body: {
        type: 'commentCreated',
        data: {
          projectId: '605a4fd31a36d5ea7a2e08f1',
          roomId: 'design-review',
          threadId: 'th_d75sF3',
          commentId: 'cm_agH76a',
          createdAt: '2023-12-13T10:12:41.342Z',
          createdBy: 'ada@example.com',
        },
      },
    },
  ],
}
