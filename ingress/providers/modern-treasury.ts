import type { Preset } from './preset.ts'

export const modernTreasury: Preset = {
  name: 'modern-treasury',
  title: 'Modern Treasury',
  docs: 'https://docs.moderntreasury.com/platform/docs/verifying-webhooks',
  evidence: {
    checked: 'vector',
    source: 'Tests of modern-treasury-node, webhooks',
    url: 'https://github.com/Modern-Treasury/modern-treasury-node',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-signature' } }],
  deliveryId: {
    join: [{ body: 'event' }, { body: 'data.id' }, { body: 'data.updated_at' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'data.object' }, { body: 'event' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-topic', 'user-agent'],
  secret: 'The webhook key: Developers, Webhooks',
  samples: [
    {
      type: 'payment_order.failed',
      headers: { 'x-topic': 'payment_order' },
      body: {
        event: 'failed',
        data: {
          id: '0f4f8d4c-1a4f-4d92-9d0e-1f9f5b5a2c7e',
          object: 'payment_order',
          live_mode: true,
          created_at: '2020-12-06T03:14:44Z',
          updated_at: '2020-12-06T03:14:44Z',
          type: 'ach',
          amount: 4900,
          direction: 'credit',
          status: 'failed',
        },
      },
    },
  ],
}
