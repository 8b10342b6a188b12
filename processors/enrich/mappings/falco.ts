import type { Severity } from '../facts.ts'
import type { Mapping } from '../mapping.ts'

/** Falco's own eight priorities. */
const priorities: Readonly<Record<string, Severity>> = {
  emergency: 'critical',
  alert: 'critical',
  critical: 'critical',
  error: 'high',
  warning: 'medium',
  notice: 'low',
  informational: 'info',
  debug: 'info',
}

export const falco: Mapping = {
  provider: 'falco',
  detect: [[{ path: 'rule' }, { path: 'priority' }, { path: 'output_fields' }]],
  kinds: [
    {
      kind: 'rule',
      when: { path: 'rule' },
      title: { path: 'rule' },
      fingerprint: [
        { path: 'rule' },
        { path: ['output_fields["k8s.pod.name"]', 'output_fields["container.id"]', 'hostname'] },
      ],
    },
  ],
  facts: {
    severity: { path: 'priority', map: priorities },
    category: { value: 'security' },
    status: { value: 'open' },
    resource: {
      path: ['output_fields["k8s.pod.name"]', 'output_fields["container.name"]', 'hostname'],
    },
    actor: { path: 'output_fields["user.name"]' },
    title: { path: 'output' },
    environment: { path: 'output_fields["k8s.ns.name"]' },
  },
}
