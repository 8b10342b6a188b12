import type { Mapping, Rule } from '../mapping.ts'
import { severityWords } from './words.ts'

const issueUrl: Rule = {
  path: 'issue.self',
  before: { text: '/rest/', suffix: '/browse/{issue.key}' },
}

export const jira: Mapping = {
  provider: 'jira',
  detect: [
    [{ header: 'x-atlassian-webhook-identifier' }, { path: 'webhookEvent' }],
    [{ path: 'webhookEvent' }, { path: 'issue.key' }],
    [{ path: 'webhookEvent', prefix: 'jira:' }],
  ],
  kinds: [
    {
      kind: 'comment',
      about: 'issue',
      when: { path: 'comment' },
      title: { template: 'Comment on {issue.key}: {issue.fields.summary}' },
      actor: { path: ['comment.updateAuthor.displayName', 'comment.author.displayName'] },
      fingerprint: [{ path: 'issue.key' }],
    },
    {
      kind: 'issue',
      when: { path: 'issue' },
      title: { path: 'issue.fields.summary' },
      fingerprint: [{ path: 'issue.key' }],
    },
  ],
  facts: {
    severity: [{ path: 'issue.fields.priority.name', map: severityWords }],
    category: [
      {
        when: { path: 'issue.fields.issuetype.name', is: ['Incident', '[System] Incident'] },
        value: 'incident',
      },
      { value: 'issue' },
    ],
    status: {
      path: 'issue.fields.status.statusCategory.key',
      map: { new: 'open', undefined: 'open', indeterminate: 'in_progress', done: 'resolved' },
    },
    resource: { path: ['issue.key', 'project.key', 'version.name', 'sprint.name'] },
    actor: { path: ['user.displayName', 'user.name'] },
    title: { path: 'webhookEvent' },
    url: issueUrl,
    environment: { path: 'issue.fields.environment' },
  },
}
