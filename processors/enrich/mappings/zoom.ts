import type { Mapping } from '../mapping.ts'

export const zoom: Mapping = {
  provider: 'zoom',
  detect: [
    [{ path: 'event' }, { path: 'event_ts' }, { path: 'payload' }],
    [{ path: 'event' }, { path: 'payload.account_id' }],
  ],
  kinds: [
    {
      kind: 'url_validation',
      when: { path: 'event', is: 'endpoint.url_validation' },
      category: { value: 'lifecycle' },
    },
    {
      kind: 'meeting',
      when: { path: 'event', prefix: 'meeting.' },
      status: {
        path: 'event',
        map: {
          'meeting.created': 'open',
          'meeting.started': 'in_progress',
          'meeting.ended': 'closed',
          'meeting.deleted': 'cancelled',
        },
      },
    },
  ],
  facts: {
    severity: [
      { when: { path: 'event', is: 'meeting.alert' }, value: 'medium' },
      { value: 'info' },
    ],
    category: { value: 'meeting' },
    resource: { path: ['payload.object.topic', 'payload.object.id', 'payload.account_id'] },
    actor: { path: ['payload.operator', 'payload.object.host_id'] },
    title: [{ template: '{event}: {payload.object.topic}' }, { path: 'event' }],
    fingerprint: [{ path: ['payload.object.uuid', 'payload.object.id'] }],
  },
}
