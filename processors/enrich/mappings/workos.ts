import type { Mapping } from '../mapping.ts'

export const workos: Mapping = {
  provider: 'workos',
  detect: [[{ path: 'event' }, { path: 'data.object' }, { path: 'id' }]],
  kinds: [
    {
      kind: 'directory',
      when: { path: 'event', prefix: 'dsync.' },
      severity: {
        path: 'event',
        map: {
          'dsync.deleted': 'medium',
          'dsync.user.deleted': 'low',
          'dsync.group.deleted': 'low',
        },
      },
    },
    {
      kind: 'connection',
      when: { path: 'event', prefix: 'connection.' },
      severity: {
        path: 'event',
        map: { 'connection.deactivated': 'medium', 'connection.deleted': 'medium' },
      },
    },
    {
      kind: 'authentication',
      when: { path: 'event', prefix: 'authentication.' },
      severity: { when: { path: 'data.status', is: 'failed' }, value: 'low' },
      status: { path: 'data.status', map: { succeeded: 'succeeded', failed: 'failed' } },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'identity' },
    resource: { path: ['data.id', 'data.user_id'] },
    actor: {
      path: ['data.raw_attributes.displayName', 'data.username', 'data.email', 'data.name'],
    },
    title: [
      { template: '{event}: {data.raw_attributes.displayName|data.name|data.email|data.id}' },
      { path: 'event' },
    ],
    fingerprint: [{ path: ['data.id', 'data.user_id'] }],
  },
}
