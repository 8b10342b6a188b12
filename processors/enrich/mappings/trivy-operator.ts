import type { Severity } from '../facts.ts'
import type { FactRules, Mapping, Rule } from '../mapping.ts'
import { severityWords } from './words.ts'

const label = (name: string): string => `metadata.labels["trivy-operator.resource.${name}"]`

/** The summary counts; where nobody filled it in, the findings themselves. */
const severity = (list: string): readonly Rule<Severity>[] => [
  { when: { path: 'report.summary.criticalCount', atLeast: 1 }, value: 'critical' },
  { when: { path: 'report.summary.highCount', atLeast: 1 }, value: 'high' },
  { when: { path: 'report.summary.mediumCount', atLeast: 1 }, value: 'medium' },
  { when: { path: 'report.summary.lowCount', atLeast: 1 }, value: 'low' },
  { path: `${list}.*.severity`, map: severityWords },
  { value: 'info' },
]

const findings = (list: string, title: string): FactRules => ({
  severity: severity(list),
  status: [{ when: { path: `${list}.0` }, value: 'open' }, { value: 'resolved' }],
  title: [
    { template: `${title} {${label('kind')}} {${label('name')}}` },
    { template: `${title} {metadata.name}` },
    { path: `${list}.*.title` },
  ],
  count: list,
})

export const trivyOperator: Mapping = {
  provider: 'trivy-operator',
  detect: [
    [{ path: 'apiVersion', prefix: 'aquasecurity.github.io/' }],
    [{ path: 'report.scanner' }, { path: 'report.summary' }],
  ],
  kinds: [
    {
      kind: 'vulnerability_report',
      when: { path: 'report.vulnerabilities' },
      ...findings('report.vulnerabilities', 'Vulnerabilities in'),
    },
    {
      kind: 'exposed_secret_report',
      when: { path: 'report.secrets' },
      ...findings('report.secrets', 'Exposed secrets in'),
    },
    {
      kind: 'config_audit_report',
      when: { path: 'report.checks' },
      ...findings('report.checks', 'Configuration audit of'),
    },
  ],
  facts: {
    category: { value: 'security' },
    resource: [
      { template: `{${label('namespace')}}/{${label('kind')}}/{${label('name')}}` },
      { template: '{metadata.namespace}/{metadata.name}' },
      { path: ['metadata.name', 'report.artifact.repository'] },
    ],
    fingerprint: [{ path: 'metadata.namespace' }, { path: 'metadata.name' }],
  },
}
