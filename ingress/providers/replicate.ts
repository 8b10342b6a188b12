import type { Preset } from './preset.ts'

export const replicate: Preset = {
  name: 'replicate',
  title: 'Replicate',
  docs: 'https://replicate.com/docs/topics/webhooks/verify-webhook',
  evidence: {
    checked: 'library',
    source: 'replicate 1.4.0, validateWebhook',
    url: 'https://github.com/replicate/replicate-javascript',
  },
  schemes: [
    { name: 'v1', verify: { scheme: 'standard-webhooks', headers: ['webhook'], tolerance: '5m' } },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ text: 'prediction' }, { body: 'status' }] },
  defaultType: 'prediction',
  patienceMs: 15000,
  keep: ['webhook-id', 'webhook-timestamp', 'user-agent'],
  secret: 'The signing key of the account, whsec_…, which the API gives: webhooks.default.secret',
  samples: [
    {
      type: 'prediction.failed',
      body: {
        id: 'ufawqhfynnddngldkgtslldrkq',
        version: '5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa',
        created_at: '2022-04-26T22:13:06.224088Z',
        started_at: null,
        completed_at: '2022-04-26T22:13:09.911000Z',
        status: 'failed',
        input: { text: 'Alice' },
        output: null,
        error: 'CUDA out of memory',
        logs: '',
        metrics: {},
      },
    },
  ],
}
