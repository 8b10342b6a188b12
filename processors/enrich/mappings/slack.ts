import type { Mapping } from '../mapping.ts'

export const slack: Mapping = {
  provider: 'slack',
  detect: [
    [{ path: 'command', prefix: '/' }, { path: 'trigger_id' }],
    [{ path: 'type', is: 'event_callback' }, { path: 'team_id' }],
    [{ path: 'type', is: 'url_verification' }, { path: 'challenge' }],
  ],
  kinds: [
    {
      kind: 'url_verification',
      when: { path: 'type', is: 'url_verification' },
      category: { value: 'lifecycle' },
      title: { value: 'Slack verifies the URL' },
    },
    {
      kind: 'slash_command',
      when: { path: 'command' },
      resource: { path: ['channel_name', 'channel_id'] },
      actor: { path: ['user_name', 'user_id'] },
      title: [{ template: '{command} {text}' }, { path: 'command' }],
      fingerprint: [{ path: 'team_id' }, { path: 'channel_id' }, { path: 'command' }],
    },
    {
      kind: 'event',
      when: { path: 'event.type' },
      resource: { path: ['event.channel', 'event.item.channel', 'team_id'] },
      actor: { path: ['event.user', 'event.user.id', 'event.bot_id'] },
      title: { path: ['event.text', 'event.type'] },
      fingerprint: [
        { path: 'team_id' },
        { path: ['event.channel', 'event.item.channel'] },
        { path: ['event.thread_ts', 'event.ts', 'event.item.ts'] },
      ],
    },
    {
      kind: 'interaction',
      when: [{ path: 'team.id' }, { path: 'user' }],
      resource: { path: ['channel.name', 'channel.id', 'view.id'] },
      actor: { path: ['user.username', 'user.name', 'user.id'] },
      title: { template: '{type} of {user.username|user.name|user.id}' },
      fingerprint: [{ path: 'team.id' }, { path: ['message.ts', 'view.id', 'callback_id'] }],
    },
  ],
  json: ['payload'],
  facts: {
    severity: { value: 'info' },
    category: { value: 'chat' },
    title: { path: 'type' },
  },
}
