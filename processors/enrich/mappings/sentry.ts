import type { FactRules, Mapping, Rule } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

const issueProject: Rule = { path: ['data.issue.project.slug', 'data.issue.project.name'] }

/** One occurrence of an issue, which ends when the issue does. */
const occurrence = (at: string): FactRules => ({
  severity: { path: `${at}.level`, map: severityWords },
  status: { value: 'open' },
  resource: { path: [`${at}.project_slug`, `${at}.project`] },
  title: { path: [`${at}.title`, `${at}.message`] },
  url: { path: [`${at}.web_url`, `${at}.url`] },
  environment: [{ path: `${at}.environment` }, { path: `${at}.tags`, tag: 'environment' }],
  fingerprint: [{ path: [`${at}.issue_id`, `${at}.event_id`] }],
})

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
      about: 'issue',
      when: { path: 'data.event' },
      ...occurrence('data.event'),
    },
    { kind: 'error', about: 'issue', when: { path: 'data.error' }, ...occurrence('data.error') },
    {
      kind: 'comment',
      about: 'issue',
      when: [{ path: 'data.comment_id' }, { path: 'data.issue_id' }],
      resource: { path: 'data.project_slug' },
      title: { path: 'data.comment' },
      fingerprint: [{ path: 'data.issue_id' }],
    },
    {
      kind: 'installation',
      when: { path: 'data.installation' },
      category: { value: 'lifecycle' },
      title: { template: 'Installation of {data.installation.app.slug}: {action}' },
      fingerprint: [{ path: 'data.installation.uuid' }],
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
