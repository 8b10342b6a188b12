import type { Preset } from './preset.ts'

export const mux: Preset = {
  name: 'mux',
  title: 'Mux',
  docs: 'https://docs.mux.com/guides/verify-webhook-signatures',
  evidence: {
    checked: 'vector',
    source: 'Tests of mux-node-sdk, webhooks',
    url: 'https://github.com/muxinc/mux-node-sdk',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'mux-signature',
        list: { separator: ',', key: 'v1' },
        timestamp: { key: 't', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 5000,
  keep: ['user-agent'],
  secret: 'The signing secret of the webhook: Settings, Webhooks',
  samples: [
    {
      type: 'video.asset.errored',
      body: {
        type: 'video.asset.errored',
        id: '3a56ac3d-33da-4366-855b-f592d898409d',
        created_at: '2025-02-01T09:11:02.000000Z',
        object: { type: 'asset', id: '0201p02fGKPE7MrbC269XRD7LpcHhrmbu0002' },
        environment: { name: 'Production', id: 'j0863n' },
        data: {
          id: '0201p02fGKPE7MrbC269XRD7LpcHhrmbu0002',
          status: 'errored',
          errors: {
            type: 'invalid_input',
            messages: ['The input file is not an audio or a video file'],
          },
        },
        attempts: [],
      },
    },
  ],
}
