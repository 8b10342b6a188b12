import type { Mapping } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

export const pagerduty: Mapping = {
  provider: 'pagerduty',
  detect: [[{ path: 'event.event_type' }, { path: 'event.resource_type' }, { path: 'event.data' }]],
  kinds: [
    {
      kind: 'ping',
      when: { path: 'event.event_type', is: 'pagey.ping' },
      category: { value: 'lifecycle' },
      severity: { value: 'info' },
      title: { path: 'event.data.message' },
    },
    {
      kind: 'incident',
      when: { path: 'event.resource_type', is: 'incident' },
      severity: [
        { path: ['event.data.priority.summary'], map: severityWords },
        { path: ['event.data.urgency', 'event.data.incident.urgency'], map: severityWords },
      ],
      status: { path: ['event.data.status', 'event.data.incident.status'], map: problemWords },
      fingerprint: [{ path: ['event.data.incident.id', 'event.data.id'] }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'incident' },
    resource: { path: ['event.data.service.summary', 'event.data.summary', 'event.data.id'] },
    actor: { path: ['event.agent.summary', 'event.client.name'] },
    title: { path: ['event.data.title', 'event.data.incident.summary', 'event.event_type'] },
    url: { path: ['event.data.html_url', 'event.data.incident.html_url'] },
    fingerprint: [{ path: 'event.data.id' }],
  },
}
