import type { Mapping, Rule } from '../mapping.ts'
import { problemWords } from './words.ts'

/** Comments in the conversation of a pull request or an issue, in a body as GitHub's. */
export const commentKinds = (repository: Rule): Mapping['kinds'] => [
  {
    kind: 'pull_request_comment',
    about: 'pull_request',
    // A comment in the conversation of a pull request comes as one of an issue.
    when: [{ path: 'comment' }, { path: 'issue.pull_request' }],
    status: { path: 'issue.state', map: problemWords },
    title: { template: 'Comment on "{issue.title}"' },
    url: { path: 'comment.html_url' },
    fingerprint: [repository, { path: 'issue.number' }],
  },
  {
    kind: 'issue_comment',
    about: 'issue',
    when: [{ path: 'comment' }, { path: 'issue' }],
    category: { value: 'issue' },
    status: { path: 'issue.state', map: problemWords },
    title: { template: 'Comment on "{issue.title}"' },
    url: { path: 'comment.html_url' },
    fingerprint: [repository, { path: 'issue.number' }],
  },
]
