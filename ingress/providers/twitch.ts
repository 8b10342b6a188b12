import type { Preset } from './preset.ts'

export const twitch: Preset = {
  name: 'twitch',
  title: 'Twitch EventSub',
  docs: 'https://dev.twitch.tv/docs/eventsub/handling-webhook-events/',
  evidence: {
    checked: 'documentation',
    source: 'Handling webhook events; the source of its CLI, forward_event',
    url: 'https://github.com/twitchdev/twitch-cli',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'twitch-eventsub-message-signature',
        prefix: 'sha256=',
        timestamp: { header: 'twitch-eventsub-message-timestamp', unit: 'rfc3339' },
        template: '{header:twitch-eventsub-message-id}{timestamp}{body}',
        tolerance: '10m',
        require: [{ header: 'twitch-eventsub-message-id' }],
      },
    },
  ],
  deliveryId: { header: 'twitch-eventsub-message-id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'subscription.type' },
  defaultType: 'event',
  patienceMs: 3000,
  keep: [
    'twitch-eventsub-message-id',
    'twitch-eventsub-message-type',
    'twitch-eventsub-message-retry',
    'twitch-eventsub-message-timestamp',
    'twitch-eventsub-subscription-type',
    'twitch-eventsub-subscription-version',
    'user-agent',
  ],
  handshakes: [
    {
      kind: 'body',
      when: { 'subscription.status': 'webhook_callback_verification_pending' },
      reply: { text: { body: 'challenge' } },
    },
  ],
  secret: 'The secret that you gave when the subscription was made',
  notes: [
    'Whether a message is a notification or a revocation is told by a header that the signature does not cover; the status of the subscription in the body is covered.',
  ],
  samples: [
    {
      type: 'stream.online',
      headers: {
        'twitch-eventsub-message-type': 'notification',
        'twitch-eventsub-message-retry': '0',
        'twitch-eventsub-subscription-type': 'stream.online',
        'twitch-eventsub-subscription-version': '1',
      },
      body: {
        subscription: {
          id: 'f1c2a387-161a-49f9-a165-0f21d7a4e1c4',
          type: 'stream.online',
          version: '1',
          status: 'enabled',
          cost: 0,
          condition: { broadcaster_user_id: '1337' },
          transport: { method: 'webhook', callback: 'https://hooks.example.com/in/acme/twitch' },
          created_at: '2019-11-16T10:11:12.634234626Z',
        },
        event: {
          id: '9001',
          broadcaster_user_id: '1337',
          broadcaster_user_login: 'cool_user',
          type: 'live',
          started_at: '2020-10-11T10:11:12.123Z',
        },
      },
    },
  ],
}
