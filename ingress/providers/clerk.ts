import type { Preset } from './preset.ts'

export const clerk: Preset = {
  name: 'clerk',
  title: 'Clerk',
  docs: 'https://clerk.com/docs/webhooks/overview',
  evidence: {
    checked: 'library',
    source: '@clerk/backend 3.25.0, verifyWebhook',
    url: 'https://github.com/clerk/javascript',
  },
  schemes: [
    {
      name: 'v1',
      verify: { scheme: 'standard-webhooks', headers: ['svix', 'webhook'], tolerance: '5m' },
    },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 15000,
  keep: ['svix-id', 'svix-timestamp', 'user-agent'],
  secret: 'The signing secret of the endpoint, whsec_…: Webhooks, Signing Secret',
  samples: [
    {
      type: 'user.created',
      body: {
        type: 'user.created',
        object: 'event',
        timestamp: 1716883200000,
        instance_id: 'ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S',
        data: {
          id: 'user_2g7np7Hrk0SN6kj5EDMLDaKNL0S',
          object: 'user',
          first_name: 'Ada',
          last_name: 'Example',
          email_addresses: [
            { id: 'idn_2g7np7Hrk0SN6kj5EDMLDaKNL0S', email_address: 'ada@example.com' },
          ],
          created_at: 1716883199000,
        },
      },
    },
  ],
}
