import type { Preset } from './preset.ts'

export const openai: Preset = {
  name: 'openai',
  title: 'OpenAI',
  docs: 'https://platform.openai.com/docs/guides/webhooks',
  evidence: {
    checked: 'vector',
    source: 'Tests of openai-node, webhooks',
    url: 'https://github.com/openai/openai-node',
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
  secret: 'The signing secret of the webhook, whsec_…: project settings, Webhooks',
  samples: [
    {
      type: 'batch.failed',
      body: {
        id: 'evt_685c059ae3a481909bdc86819b066fb7',
        object: 'event',
        created_at: 1750861210,
        type: 'batch.failed',
        data: { id: 'batch_685c059ae3a48190' },
      },
    },
  ],
}
