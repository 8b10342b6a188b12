import type { Preset } from './preset.ts'

export const cloudflareStream: Preset = {
  name: 'cloudflare-stream',
  title: 'Cloudflare Stream',
  docs: 'https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Using webhooks, Verify webhook authenticity',
    url: 'https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/',
  },
  schemes: [
    {
      name: 'sig1',
      verify: {
        scheme: 'hmac',
        header: 'webhook-signature',
        list: { separator: ',', key: 'sig1' },
        timestamp: { key: 'time', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: {
    join: [{ body: 'uid' }, { body: 'status.state' }, { body: 'modified' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ text: 'video' }, { body: 'status.state' }] },
  defaultType: 'video',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret in the answer to the request that set the notification URL',
  samples: [
    {
      type: 'video.error',
      body: {
        uid: 'dd5d531a12de0c724bd1275a3b2bc9c6',
        readyToStream: false,
        status: {
          state: 'error',
          step: 'encoding',
          pctComplete: '39',
          errReasonCode: 'ERR_MALFORMED_VIDEO',
          errReasonText: 'The video was deemed to be corrupted or malformed.',
        },
        meta: { name: 'demo' },
        created: '2019-01-01T01:00:00.474936Z',
        modified: '2019-01-01T01:02:21.076571Z',
      },
    },
  ],
}
