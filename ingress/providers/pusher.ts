import type { Preset } from './preset.ts'

export const pusher: Preset = {
  name: 'pusher',
  title: 'Pusher Channels',
  docs: 'https://pusher.com/docs/channels/server_api/webhooks/#authentication',
  evidence: {
    checked: 'library',
    source: 'pusher 5.3.4, webhook().isValid',
    url: 'https://github.com/pusher/pusher-http-node',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-pusher-signature' } }],
  idCovered: false,
  bodyCovered: true,
  type: { body: 'events.0.name' },
  defaultType: 'event',
  patienceMs: 5_000,
  keep: ['x-pusher-key', 'user-agent'],
  secret: 'The secret of the app key that X-Pusher-Key names: App Keys',
  samples: [
    {
      type: 'channel_occupied',
      headers: { 'x-pusher-key': '7ad3773142a6692b25b8' },
      body: {
        time_ms: 1327078148132,
        events: [{ name: 'channel_occupied', channel: 'presence-incident-42' }],
      },
    },
  ],
}
