import type { Mapping } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

// A group fires as long as one of its alerts does, and tells of those that are over, too.
const unresolved = { path: 'status', not: 'resolved' }
const over = { path: 'status', is: 'resolved' }

export const alertmanager: Mapping = {
  provider: 'alertmanager',
  detect: [
    [
      { path: 'groupKey' },
      { path: 'alerts' },
      { path: 'receiver' },
      { path: 'orgId', absent: true },
    ],
  ],
  kinds: [
    {
      kind: 'alert',
      when: { path: 'alerts' },
      title: [
        { template: '{groupLabels.alertname|commonLabels.alertname}: {commonAnnotations.summary}' },
        {
          template:
            '{groupLabels.alertname|commonLabels.alertname}: {alerts.*.annotations.summary}',
        },
        { path: ['commonLabels.alertname', 'alerts.*.labels.alertname'] },
      ],
      fingerprint: [{ path: 'groupKey' }],
    },
  ],
  facts: {
    severity: [
      { path: ['commonLabels.severity', 'commonLabels.priority'], map: severityWords },
      { path: 'alerts.*.labels.severity', each: unresolved, map: severityWords },
      { when: over, path: 'alerts.*.labels.severity', map: severityWords },
    ],
    category: { value: 'alert' },
    status: { path: 'status', map: problemWords },
    resource: {
      path: [
        'commonLabels.service',
        'commonLabels.instance',
        'commonLabels.pod',
        'commonLabels.namespace',
        'commonLabels.job',
        'alerts.*.labels.instance',
      ],
    },
    url: { path: ['commonAnnotations.runbook_url', 'alerts.*.generatorURL', 'externalURL'] },
    environment: { path: ['commonLabels.environment', 'commonLabels.env', 'commonLabels.stage'] },
    count: [
      { when: over, path: 'alerts' },
      { path: 'alerts', each: unresolved },
    ],
  },
}
