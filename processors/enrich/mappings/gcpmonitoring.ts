import type { Mapping } from '../mapping.ts'
import { severityWords } from './words.ts'

export const gcpmonitoring: Mapping = {
  provider: 'gcpmonitoring',
  detect: [[{ path: 'incident.incident_id' }, { path: 'incident.policy_name' }]],
  kinds: [
    {
      kind: 'incident',
      when: { path: 'incident' },
      fingerprint: [
        { path: 'incident.policy_name' },
        { path: ['incident.condition.name', 'incident.condition_name'] },
        { path: ['incident.resource_name', 'incident.resource_id'] },
      ],
    },
  ],
  facts: {
    severity: {
      path: [
        'incident.severity',
        'incident.metadata.system_labels.severity',
        'incident.policy_user_labels.severity',
      ],
      map: severityWords,
    },
    category: { value: 'alert' },
    status: { path: 'incident.state', map: { open: 'open', closed: 'resolved' } },
    resource: {
      path: ['incident.resource_display_name', 'incident.resource_name', 'incident.resource_id'],
    },
    title: { path: ['incident.summary', 'incident.condition_name', 'incident.policy_name'] },
    url: { path: 'incident.url' },
    environment: {
      path: [
        'incident.metadata.user_labels.environment',
        'incident.policy_user_labels.environment',
        'incident.metadata.user_labels.env',
      ],
    },
  },
}
