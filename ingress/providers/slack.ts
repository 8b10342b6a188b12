import type { Preset } from './preset.ts'

export const slack: Preset = {
  name: 'slack',
  title: 'Slack',
  docs: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
  evidence: {
    checked: 'vector',
    source: 'Verifying requests from Slack',
    url: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
  },
  schemes: [
    {
      name: 'v0',
      verify: {
        scheme: 'hmac',
        header: 'x-slack-signature',
        prefix: 'v0=',
        timestamp: { header: 'x-slack-request-timestamp', unit: 's' },
        template: 'v0:{timestamp}:{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { first: [{ body: 'event_id' }, { body: 'trigger_id' }] },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'event.type' }, { body: 'type' }] },
  defaultType: 'slash_command',
  patienceMs: 3_000,
  keep: ['x-slack-retry-num', 'x-slack-retry-reason', 'user-agent'],
  handshakes: [
    {
      kind: 'body',
      when: { type: 'url_verification' },
      reply: { text: { body: 'challenge' } },
    },
  ],
  secret: 'The signing secret of the app: Basic Information, App Credentials',
  samples: [
    {
      type: 'app_mention',
      body: {
        token: 'unused',
        team_id: 'T0001',
        api_app_id: 'A0001',
        type: 'event_callback',
        event_id: 'Ev08MFMKH6',
        event_time: 1234567890,
        event: {
          type: 'app_mention',
          user: 'U061F7AUR',
          text: '<@U0LAN0Z89> is it everything a river should be?',
          ts: '1515449522.000016',
          channel: 'C0LAN2Q65',
        },
      },
    },
    {
      type: 'slash_command',
      contentType: 'application/x-www-form-urlencoded',
      body: 'team_id=T0001&team_domain=example&channel_id=C2147483705&user_id=U2147483697&command=%2Fincident&text=open+db&api_app_id=A123456&trigger_id=13345224609.738474920.8088930838d88f008e0',
    },
  ],
}
