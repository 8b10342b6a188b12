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

const pod = 'output_fields["k8s.pod.name"]'

/** What an event of the machine itself says instead of a container, and what stands for nothing. */
const noContainer = ['host', '<NA>']

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
        [
          { path: [pod, 'output_fields["container.id"]', 'hostname'], except: noContainer },
          { path: 'output_fields["container.id"]' },
        ],
      ],
    },
  ],
  facts: {
    severity: { path: 'priority', map: priorities },
    category: { value: 'security' },
    status: { value: 'open' },
    resource: [
      { path: [pod, 'output_fields["container.name"]', 'hostname'], except: noContainer },
      { path: ['output_fields["container.name"]', 'output_fields["container.id"]'] },
    ],
    actor: { path: 'output_fields["user.name"]', except: ['<NA>'] },
    title: { path: 'output' },
    environment: { path: 'output_fields["k8s.ns.name"]', except: ['<NA>'] },
  },
}
