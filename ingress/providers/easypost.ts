import type { Preset } from './preset.ts'

export const easypost: Preset = {
  name: 'easypost',
  title: 'EasyPost',
  docs: 'https://docs.easypost.com/guides/webhooks-guide',
  evidence: {
    checked: 'library',
    source: '@easypost/api 8.9.0, Utils.validateWebhook',
    url: 'https://github.com/EasyPost/easypost-node',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'x-hmac-signature', prefix: 'hmac-sha256-hex=' },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'description' },
  defaultType: 'event',
  patienceMs: 7000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook, in ASCII: EasyPost takes it in its NFKD form',
  samples: [
    {
      type: 'tracker.updated',
      body: {
        id: 'evt_d0000c1a9c6c4614949af6931ea9fac8',
        object: 'Event',
        mode: 'production',
        description: 'tracker.updated',
        previous_attributes: { status: 'in_transit' },
        created_at: '2022-08-30T22:25:59.000Z',
        result: {
          id: 'trk_59a9d8a5',
          object: 'Tracker',
          tracking_code: 'EZ4000000004',
          status: 'delivered',
        },
      },
    },
  ],
}
