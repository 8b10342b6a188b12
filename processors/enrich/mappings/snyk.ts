import type { Mapping } from '../mapping.ts'
import { severityWords } from './words.ts'

export const snyk: Mapping = {
  provider: 'snyk',
  detect: [[{ header: 'x-snyk-event' }]],
  kinds: [
    {
      kind: 'project_snapshot',
      when: { path: 'project.id' },
      category: { value: 'security' },
      severity: [{ path: 'newIssues.*.issueData.severity', map: severityWords }, { value: 'info' }],
      status: [{ when: { path: 'newIssues.0' }, value: 'open' }],
      title: [
        { template: 'New issue in {project.name}: {newIssues.0.issueData.title}' },
        { template: 'No new issue in {project.name}' },
      ],
      count: 'newIssues',
      fingerprint: [{ path: 'project.id' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'lifecycle' },
    resource: { path: ['project.name', 'org.name'] },
    url: { path: 'project.browseUrl' },
    branch: { path: 'project.branch' },
  },
}
