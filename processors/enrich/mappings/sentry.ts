import type { Mapping, Rule } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

const issueProject: Rule = { path: ['data.issue.project.slug', 'data.issue.project.name'] }

export const sentry: Mapping = {
  provider: 'sentry',
  detect: [
    [{ header: 'sentry-hook-resource' }],
    [{ path: 'installation.uuid' }, { path: 'actor.type' }, { path: 'data' }],
    [{ path: 'culprit' }, { path: 'project_slug' }],
  ],
  kinds: [
    {
      kind: 'metric_alert',
      when: { path: 'data.metric_alert' },
      severity: [
        { path: 'action', map: severityWords },
        { when: { path: 'action', is: 'resolved' }, value: 'info' },
      ],
      status: [{ path: 'action', map: problemWords }],
      resource: {
        path: ['data.metric_alert.projects.0', 'data.metric_alert.alert_rule.name'],
      },
      title: { path: ['data.description_title', 'data.metric_alert.title'] },
      url: { path: 'data.web_url' },
      environment: { path: 'data.metric_alert.alert_rule.environment' },
      fingerprint: [{ path: ['data.metric_alert.alert_rule.id', 'data.metric_alert.id'] }],
    },
    {
      kind: 'issue',
      when: { path: 'data.issue' },
      severity: { path: 'data.issue.level', map: severityWords },
      status: { path: ['data.issue.status', 'action'], map: problemWords },
      resource: issueProject,
      title: { path: 'data.issue.title' },
      url: { path: ['data.issue.web_url', 'data.issue.permalink'] },
      fingerprint: [{ path: 'data.issue.id' }],
    },
    {
      kind: 'event_alert',
      when: { path: 'data.event' },
      severity: { path: 'data.event.level', map: severityWords },
      status: { value: 'open' },
      resource: { path: ['data.event.project_slug', 'data.event.project'] },
      title: { path: ['data.event.title', 'data.event.message'] },
      url: { path: ['data.event.web_url', 'data.event.url'] },
      environment: [
        { path: 'data.event.environment' },
        { path: 'data.event.tags', tag: 'environment' },
      ],
      fingerprint: [{ path: ['data.event.issue_id', 'data.event.event_id'] }],
    },
    {
      kind: 'issue',
      when: [{ path: 'culprit' }, { path: 'event' }],
      severity: { path: ['level', 'event.level'], map: severityWords },
      status: { value: 'open' },
      resource: { path: ['project_slug', 'project_name', 'project'] },
      title: { path: ['event.title', 'message'] },
      url: { path: 'url' },
      environment: [{ path: 'event.environment' }, { path: 'event.tags', tag: 'environment' }],
      fingerprint: [{ path: ['project_slug', 'project'] }, { path: 'id' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'alert' },
    resource: { path: 'installation.uuid' },
    actor: { path: ['actor.name', 'actor.id'] },
    title: { template: 'Sentry: {action}' },
  },
}
