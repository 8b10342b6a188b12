import type { Mapping } from '../mapping.ts'

export const hubspot: Mapping = {
  provider: 'hubspot',
  detect: [[{ path: '0.subscriptionType' }, { path: '0.portalId' }]],
  kinds: [
    {
      kind: 'object_change',
      when: { path: '0.subscriptionType' },
      fingerprint: [{ path: '0.portalId' }, { path: '0.objectId' }],
    },
  ],
  facts: {
    severity: [
      { when: { path: '0.subscriptionType', is: 'contact.privacyDeletion' }, value: 'medium' },
      { value: 'info' },
    ],
    category: { value: 'contact' },
    resource: { path: '0.objectId' },
    actor: { path: ['0.sourceId', '0.changeSource'] },
    title: { template: '{0.subscriptionType} of {0.objectId}' },
    count: '',
  },
}
