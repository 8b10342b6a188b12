import type { Mapping } from '../mapping.ts'
import { severityWords } from './words.ts'

const report = 'data.report'

export const hackerone: Mapping = {
  provider: 'hackerone',
  detect: [[{ header: 'x-h1-event' }]],
  kinds: [
    {
      kind: 'report',
      when: { path: `${report}.id` },
      category: { value: 'security' },
      severity: {
        path: `${report}.relationships.severity.data.attributes.rating`,
        map: severityWords,
      },
      status: {
        path: `${report}.attributes.state`,
        map: {
          new: 'open',
          'pending-program-review': 'open',
          'needs-more-info': 'open',
          triaged: 'acknowledged',
          retesting: 'in_progress',
          resolved: 'resolved',
          informative: 'closed',
          duplicate: 'closed',
          'not-applicable': 'closed',
          spam: 'closed',
        },
      },
      title: { path: `${report}.attributes.title` },
      fingerprint: [{ path: `${report}.id` }],
    },
  ],
  facts: {
    category: { value: 'security' },
    resource: { path: [`${report}.relationships.program.data.attributes.handle`, `${report}.id`] },
    actor: { path: 'data.activity.relationships.actor.data.attributes.username' },
  },
}
