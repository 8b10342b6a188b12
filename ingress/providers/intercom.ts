import type { Preset } from './preset.ts'

export const intercom: Preset = {
  name: 'intercom',
  title: 'Intercom',
  docs: 'https://developers.intercom.com/docs/webhooks/setting-up-webhooks#signed-notifications',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Signed notifications',
    url: 'https://developers.intercom.com/docs/webhooks/setting-up-webhooks#signed-notifications',
  },
  // SHA-1 is all that Intercom offers.
  schemes: [
    {
      name: 'sha1',
      verify: { scheme: 'hmac', algorithm: 'sha1', header: 'x-hub-signature', prefix: 'sha1=' },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'topic' },
  defaultType: 'notification',
  patienceMs: 5_000,
  keep: ['user-agent'],
  secret: 'The client secret of the app: Basic Information',
  notes: ['The HMAC is made with SHA-1, for Intercom has nothing better.'],
  samples: [
    {
      type: 'conversation.user.created',
      body: {
        type: 'notification_event',
        id: 'notif_ccd8a4d0-f965-11e3-a367-c779cae3e1b3',
        topic: 'conversation.user.created',
        app_id: 'a86dr8yl',
        created_at: 1392731331,
        delivery_attempts: 1,
        data: { item: { type: 'conversation', id: '2488', state: 'open', priority: 'priority' } },
      },
    },
  ],
}
