import type { Mapping } from '../mapping.ts'
import { problemWords, severityWords } from './words.ts'

/**
 * P1 to P5 of a monitor, and what templates write out. `$PRIORITY` is another thing: that of the event in Datadog's own
 * stream, whose values are normal and low.
 */
const { normal: _normal, low: _low, ...priorities } = severityWords

/** Datadog's bodies are templates of its users; these are the names of its own examples. */
export const datadog: Mapping = {
  provider: 'datadog',
  detect: [
    [{ path: 'monitor_id' }, { path: 'query' }],
    [{ path: 'alert_transition' }],
    [{ path: 'alertTransition' }, { path: 'alertId' }],
  ],
  kinds: [
    {
      kind: 'monitor',
      when: { path: 'monitor_id' },
      fingerprint: [{ path: 'monitor_id' }, { path: ['scope', 'hostname', 'alert_scope'] }],
    },
    {
      kind: 'monitor',
      when: { path: 'title' },
      fingerprint: [
        { path: ['aggregation_key', 'aggreg_key', 'alert_id', 'alertId', 'id'] },
        { path: ['alert_scope', 'scope', 'hostname'] },
      ],
    },
  ],
  facts: {
    severity: [
      { path: ['alert_priority', 'alertPriority'], map: priorities },
      { path: 'priority', map: priorities },
      { path: ['alert_type', 'alertType'], map: severityWords },
      { path: 'severity', map: severityWords },
    ],
    category: { value: 'alert' },
    status: [
      {
        path: ['alert_transition', 'alertTransition', 'status'],
        map: {
          ...problemWords,
          're-triggered': 'open',
          're-warn': 'open',
          'no data': 'open',
          're-no data': 'open',
          renotify: 'open',
          'warn recovered': 'resolved',
          'no data recovered': 'resolved',
        },
      },
    ],
    resource: [
      { path: 'tags', tag: ['service', 'host'] },
      { path: ['hostname', 'host', 'service'] },
      { template: 'monitor {monitor_id|alert_id|alertId}' },
    ],
    actor: { path: ['user', 'username'] },
    title: { path: ['title', 'event_title', 'alert_title', 'message'] },
    url: { path: ['link', 'url', 'event_url'] },
    environment: [{ path: 'tags', tag: ['env', 'environment'] }, { path: ['env', 'environment'] }],
  },
}
