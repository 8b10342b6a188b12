import type { Preset } from './preset.ts'

export const workos: Preset = {
  name: 'workos',
  title: 'WorkOS',
  docs: 'https://workos.com/docs/events/data-syncing/webhooks',
  evidence: {
    checked: 'library',
    source: '@workos-inc/node 8.13.0, webhooks.constructEvent',
    url: 'https://github.com/workos/workos-node',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'workos-signature',
        list: { separator: ',', key: 'v1' },
        timestamp: { key: 't', unit: 'ms' },
        template: '{timestamp}.{body}',
        tolerance: '3m',
      },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The signing secret of the endpoint: Webhooks, the endpoint, Signing secret',
  samples: [
    {
      type: 'dsync.user.created',
      body: {
        id: 'event_01FKJ843CVE8F7BXQSPFH0M53V',
        event: 'dsync.user.created',
        created_at: '2021-06-25T19:07:33.155Z',
        data: {
          id: 'directory_user_01FAEAJCR3ZBZ30D8BD1924TVG',
          object: 'directory_user',
          state: 'active',
          email: 'blair@example.com',
          first_name: 'Blair',
          last_name: 'Lunchford',
          directory_id: 'directory_01F9M7F68PZP8QXP8G7X5QRHS7',
        },
      },
    },
  ],
}
