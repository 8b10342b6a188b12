import type { Mapping } from '../mapping.ts'

export const sonarqube: Mapping = {
  provider: 'sonarqube',
  detect: [
    [{ header: 'x-sonarqube-project' }],
    [{ path: 'taskId' }, { path: 'qualityGate.status' }, { path: 'project.key' }],
  ],
  kinds: [
    {
      kind: 'quality_gate',
      about: 'analysis',
      when: { path: 'qualityGate.status' },
      severity: { path: 'qualityGate.status', map: { error: 'high', warn: 'medium', ok: 'info' } },
      status: { path: 'qualityGate.status', map: { error: 'failed', ok: 'succeeded' } },
      title: { template: 'Quality gate of {project.name|project.key}: {qualityGate.status}' },
    },
    {
      kind: 'analysis',
      when: { path: 'taskId' },
      severity: { path: 'status', map: { failed: 'medium', success: 'info' } },
      status: {
        path: 'status',
        map: { failed: 'failed', success: 'succeeded', cancelled: 'cancelled' },
      },
      title: { template: 'Analysis of {project.name|project.key}: {status}' },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'code' },
    resource: { path: 'project.key' },
    url: { path: ['branch.url', 'project.url'] },
    branch: { path: 'branch.name' },
    fingerprint: [{ path: 'project.key' }, { path: 'branch.name' }],
  },
}
