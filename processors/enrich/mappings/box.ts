import type { Mapping } from '../mapping.ts'

export const box: Mapping = {
  provider: 'box',
  detect: [
    [{ header: 'box-delivery-id' }],
    [{ path: 'type', is: 'webhook_event' }, { path: 'trigger' }, { path: 'source' }],
  ],
  kinds: [
    {
      kind: 'item',
      when: { path: 'source.id' },
      fingerprint: [{ path: 'source.type' }, { path: 'source.id' }],
    },
  ],
  facts: {
    severity: [
      {
        when: { path: 'trigger', is: ['FILE.DELETED', 'FOLDER.DELETED', 'WEBHOOK.DELETED'] },
        value: 'low',
      },
      { value: 'info' },
    ],
    category: { value: 'file' },
    resource: { path: ['source.name', 'source.id'] },
    actor: { path: ['created_by.name', 'created_by.login'] },
    title: { template: '{trigger}: {source.name|source.id}' },
    url: { path: 'source.shared_link.url' },
  },
}
