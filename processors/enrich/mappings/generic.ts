import type { Mapping } from '../mapping.ts'
import { problemWords, resultWords, severityWords } from './words.ts'

/** For everybody else: the names that most payloads use for the same things. */
export const generic: Mapping = {
  provider: 'generic',
  detect: [],
  kinds: [
    {
      kind: 'incident',
      when: [{ path: 'incident' }],
      category: { value: 'incident' },
      severity: {
        path: ['incident.severity', 'incident.priority', 'severity'],
        map: severityWords,
      },
      status: { path: ['incident.status', 'incident.state', 'status'], map: problemWords },
      title: { path: ['incident.title', 'incident.summary', 'incident.name'] },
      url: { path: ['incident.html_url', 'incident.url'] },
      fingerprint: [{ path: ['incident.id', 'incident.incident_id', 'incident.number'] }],
    },
    {
      kind: 'alert',
      when: [{ path: 'alert' }],
      category: { value: 'alert' },
      severity: { path: ['alert.severity', 'alert.priority', 'severity'], map: severityWords },
      status: { path: ['alert.status', 'alert.state', 'status'], map: problemWords },
      title: { path: ['alert.title', 'alert.name', 'alert.message', 'alert.summary'] },
      url: { path: ['alert.html_url', 'alert.url'] },
      fingerprint: [{ path: ['alert.fingerprint', 'alert.id', 'alert.alias', 'alert.key'] }],
    },
  ],
  facts: {
    severity: {
      path: ['severity', 'priority', 'level', 'urgency', 'labels.severity', 'data.severity'],
      map: severityWords,
    },
    category: [
      { when: { path: 'severity' }, value: 'alert' },
      { when: { path: 'alertname' }, value: 'alert' },
      { when: { path: 'labels.severity' }, value: 'alert' },
    ],
    status: [
      { path: ['status', 'state', 'data.status', 'data.state'], map: problemWords },
      { path: ['status', 'state', 'conclusion', 'result', 'outcome'], map: resultWords },
    ],
    resource: {
      path: [
        'resource',
        'service',
        'service.name',
        'component',
        'host',
        'hostname',
        'repository.full_name',
        'repository.name',
        'project.name',
        'project',
        'resource.name',
        'resource.id',
        'subject',
        'data.id',
      ],
    },
    actor: {
      path: [
        'actor',
        'actor.name',
        'actor.login',
        'user',
        'user.name',
        'user.login',
        'user.email',
        'username',
        'sender.login',
        'author',
        'author.name',
      ],
    },
    title: {
      path: ['title', 'summary', 'subject', 'name', 'message', 'text', 'description', 'data.title'],
    },
    url: { path: ['html_url', 'url', 'link', 'web_url', 'permalink', 'links.html', 'data.url'] },
    environment: [
      { path: ['environment', 'env', 'labels.environment', 'labels.env', 'data.environment'] },
      { path: 'tags', tag: ['environment', 'env'] },
    ],
    branch: { path: ['branch', 'ref', 'git.branch'], strip: ['refs/heads/', 'refs/tags/'] },
    fingerprint: [
      {
        path: [
          'fingerprint',
          'dedup_key',
          'dedupKey',
          'dedupe_key',
          'alert_id',
          'incident_id',
          'incident_key',
          'correlation_id',
          'groupKey',
          'monitor_id',
        ],
      },
    ],
  },
}
