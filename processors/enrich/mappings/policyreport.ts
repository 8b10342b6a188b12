import type { Mapping } from '../mapping.ts'
import { severityWords } from './words.ts'

const failing = { path: 'summary.fail', atLeast: 1 }
const erring = { path: 'summary.error', atLeast: 1 }
const warning = { path: 'summary.warn', atLeast: 1 }

/** Reports of the Kubernetes policy working group: Kyverno, kube-bench and others. */
export const policyreport: Mapping = {
  provider: 'policyreport',
  detect: [[{ path: 'kind', is: ['PolicyReport', 'ClusterPolicyReport'] }, { path: 'summary' }]],
  kinds: [
    {
      kind: 'policy_report',
      when: { path: 'summary' },
      fingerprint: [{ path: 'metadata.namespace' }, { path: 'metadata.name' }],
    },
  ],
  facts: {
    severity: [
      {
        when: failing,
        path: 'results.*.severity',
        each: { path: 'result', is: 'fail' },
        map: severityWords,
      },
      { when: failing, value: 'medium' },
      { when: erring, value: 'medium' },
      { when: warning, value: 'low' },
      { value: 'info' },
    ],
    category: { value: 'security' },
    status: [
      { when: failing, value: 'open' },
      { when: erring, value: 'open' },
      { when: warning, value: 'open' },
      { value: 'resolved' },
    ],
    resource: [
      { template: '{scope.namespace}/{scope.kind}/{scope.name}' },
      { template: '{metadata.namespace}/{metadata.name}' },
      { path: 'metadata.name' },
    ],
    actor: { path: ['source', 'metadata.labels["wgpolicyk8s.io/engine"]'] },
    title: [
      {
        template:
          '{metadata.annotations.name|metadata.name}: {summary.fail} failed, {summary.pass} passed',
      },
      { path: 'metadata.name' },
    ],
    count: { path: 'results', each: { path: 'result', not: ['pass', 'skip'] } },
  },
}
