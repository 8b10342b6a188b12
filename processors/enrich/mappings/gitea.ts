import type { Mapping, Rule } from '../mapping.ts'
import { commentKinds } from './comments.ts'
import { branchPrefixes, problemWords, severityWords } from './words.ts'

const repository: Rule = { path: 'repository.full_name' }

/** Gitea, Forgejo and Gogs: bodies like GitHub's, from one's own host. */
export const gitea: Mapping = {
  provider: 'gitea',
  detect: [
    [{ header: 'x-gitea-event' }],
    [{ header: 'x-forgejo-event' }],
    [{ header: 'x-gogs-event' }],
    [{ path: 'repository.internal_tracker' }],
  ],
  kinds: [
    {
      kind: 'pull_request',
      when: { path: 'pull_request' },
      status: { path: 'pull_request.state', map: problemWords },
      title: { path: 'pull_request.title' },
      url: { path: ['pull_request.html_url', 'pull_request.url'] },
      branch: { path: 'pull_request.head.ref' },
      fingerprint: [repository, { path: 'pull_request.number' }],
    },
    ...commentKinds(repository),
    {
      kind: 'issue',
      when: { path: 'issue' },
      category: { value: 'issue' },
      severity: { path: 'issue.labels.*.name', map: { ...severityWords, bug: 'medium' } },
      status: { path: 'issue.state', map: problemWords },
      title: { path: 'issue.title' },
      url: { path: ['issue.html_url', 'issue.url'] },
      fingerprint: [repository, { path: 'issue.number' }],
    },
    {
      kind: 'release',
      when: { path: 'release' },
      category: { value: 'deploy' },
      status: { when: { path: 'action', is: 'published' }, value: 'succeeded' },
      title: { template: 'Release {release.name|release.tag_name}' },
      url: { path: 'release.html_url' },
      fingerprint: [repository, { path: 'release.tag_name' }],
    },
    {
      kind: 'push',
      when: [{ path: 'pusher' }, { path: 'ref' }],
      title: [
        { path: ['head_commit.message', 'commits.*.message'] },
        { template: 'Push to {ref}' },
      ],
      url: { path: 'compare_url' },
      branch: { when: { path: 'ref', prefix: 'refs/heads/' }, path: 'ref', strip: branchPrefixes },
      fingerprint: [repository, { path: 'ref' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'code' },
    resource: repository,
    actor: { path: ['sender.login', 'sender.username', 'pusher.login'] },
    title: { template: '{action} in {repository.full_name}' },
    url: { path: 'repository.html_url' },
  },
}
