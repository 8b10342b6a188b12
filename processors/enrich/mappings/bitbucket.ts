import type { Mapping, Rule } from '../mapping.ts'
import { problemWords, resultSeverity, resultWords, severityWords } from './words.ts'

const repository: Rule = { path: 'repository.full_name' }

export const bitbucket: Mapping = {
  provider: 'bitbucket',
  detect: [
    [{ header: 'x-event-key' }, { path: 'repository' }],
    [{ path: 'repository.scm' }, { path: 'actor.account_id' }],
  ],
  kinds: [
    {
      kind: 'push',
      when: { path: 'push.changes' },
      title: [
        { path: 'push.changes.*.new.target.message' },
        { template: 'Deleted {push.changes.*.old.name}' },
      ],
      url: { path: ['push.changes.*.links.html.href', 'push.changes.*.new.links.html.href'] },
      branch: { path: 'push.changes.*.new.name' },
      fingerprint: [repository, { path: ['push.changes.*.new.name', 'push.changes.*.old.name'] }],
    },
    {
      kind: 'commit_status',
      when: { path: 'commit_status' },
      category: { value: 'build' },
      severity: { path: 'commit_status.state', map: resultSeverity },
      status: { path: 'commit_status.state', map: resultWords },
      title: { template: '{commit_status.name}: {commit_status.state}' },
      url: { path: 'commit_status.url' },
      branch: { path: 'commit_status.refname' },
      fingerprint: [repository, { path: 'commit_status.key' }, { path: 'commit_status.refname' }],
    },
    {
      kind: 'pull_request_comment',
      about: 'pull_request',
      when: [{ path: 'pullrequest' }, { path: 'comment' }],
      status: { path: 'pullrequest.state', map: problemWords },
      title: { template: 'Comment on "{pullrequest.title}"' },
      url: { path: 'comment.links.html.href' },
      branch: { path: 'pullrequest.source.branch.name' },
      fingerprint: [repository, { path: 'pullrequest.id' }],
    },
    {
      kind: 'pull_request',
      when: { path: 'pullrequest' },
      status: { path: 'pullrequest.state', map: problemWords },
      title: { path: 'pullrequest.title' },
      url: { path: 'pullrequest.links.html.href' },
      branch: { path: 'pullrequest.source.branch.name' },
      fingerprint: [repository, { path: 'pullrequest.id' }],
    },
    {
      kind: 'issue',
      when: { path: 'issue' },
      category: { value: 'issue' },
      severity: { path: 'issue.priority', map: severityWords },
      status: { path: 'issue.state', map: problemWords },
      title: { path: 'issue.title' },
      url: { path: 'issue.links.html.href' },
      fingerprint: [repository, { path: 'issue.id' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'code' },
    resource: repository,
    actor: { path: ['actor.nickname', 'actor.display_name'] },
    url: { path: 'repository.links.html.href' },
  },
}
