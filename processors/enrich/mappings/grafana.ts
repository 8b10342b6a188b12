import type { Mapping } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

// A group fires as long as one of its alerts does, and tells of those that are over, too.
const unresolved = { path: 'status', not: 'resolved' }
const over = { path: 'status', is: 'resolved' }

const labelled = (name: string): readonly string[] => [
  `commonLabels.${name}`,
  `alerts.*.labels.${name}`,
]

export const grafana: Mapping = {
  provider: 'grafana',
  detect: [
    [{ path: 'alerts' }, { path: 'orgId' }],
    [{ path: 'ruleGroup' }, { path: 'folderUID' }],
    [{ path: 'ruleId' }, { path: 'ruleName' }, { path: 'state' }],
  ],
  kinds: [
    {
      kind: 'alert',
      when: { path: 'alerts' },
      severity: [
        { path: labelled('severity'), each: unresolved, map: severityWords },
        { when: over, path: labelled('severity'), map: severityWords },
      ],
      status: { path: ['status', 'state'], map: problemWords },
      resource: {
        path: [...labelled('service'), ...labelled('instance'), ...labelled('job')],
      },
      title: { path: ['title', 'commonAnnotations.summary', 'commonLabels.alertname'] },
      url: {
        path: [
          'alerts.*.panelURL',
          'alerts.*.dashboardURL',
          'alerts.*.generatorURL',
          'externalURL',
        ],
      },
      environment: { path: [...labelled('environment'), ...labelled('env')] },
      count: [
        { when: over, path: 'alerts' },
        { path: 'alerts', each: unresolved },
      ],
      fingerprint: [{ path: ['groupKey'] }],
    },
    {
      kind: 'alert',
      when: [{ path: 'ruleId' }, { path: 'ruleName' }],
      status: { path: 'state', map: problemWords },
      resource: { path: 'ruleName' },
      title: { path: ['title', 'ruleName'] },
      url: { path: 'ruleUrl' },
      fingerprint: [{ path: 'ruleId' }],
    },
    {
      kind: 'alert_rule',
      when: { path: 'ruleGroup' },
      severity: { path: 'labels.severity', map: severityWords },
      resource: { path: ['labels.service', 'ruleGroup'] },
      environment: { path: ['labels.environment', 'labels.env'] },
      fingerprint: [{ path: 'folderUID' }, { path: 'ruleGroup' }, { path: 'title' }],
    },
  ],
  facts: {
    category: { value: 'alert' },
    title: { path: ['title', 'message'] },
  },
}
