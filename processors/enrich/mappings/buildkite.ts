import type { Mapping } from '../mapping.ts'
import { branchPrefixes, resultSeverity, resultWords } from './words.ts'

export const buildkite: Mapping = {
  provider: 'buildkite',
  detect: [[{ header: 'x-buildkite-event' }]],
  kinds: [
    {
      kind: 'job',
      when: { path: 'event', prefix: 'job.' },
      severity: { path: 'job.state', map: resultSeverity },
      status: { path: 'job.state', map: resultWords },
      title: { template: '{job.name} of {pipeline.name} #{build.number}: {job.state}' },
      url: { path: ['job.web_url', 'build.web_url'] },
      fingerprint: [{ path: 'pipeline.id' }, { path: 'build.branch' }, { path: 'job.name' }],
    },
    {
      kind: 'build',
      when: { path: 'event', prefix: 'build.' },
      severity: { path: 'build.state', map: resultSeverity },
      status: { path: 'build.state', map: resultWords },
      title: { template: '{pipeline.name} #{build.number}: {build.state}' },
      url: { path: 'build.web_url' },
      fingerprint: [{ path: 'pipeline.id' }, { path: 'build.branch' }],
    },
    {
      kind: 'agent',
      when: { path: 'event', prefix: 'agent.' },
      category: { value: 'lifecycle' },
      severity: { path: 'event', map: { 'agent.lost': 'medium' } },
      resource: { path: 'agent.name' },
      title: { template: '{event}: {agent.name}' },
      fingerprint: [{ path: 'agent.id' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'build' },
    resource: { path: ['pipeline.slug', 'pipeline.name'] },
    actor: { path: ['sender.name', 'build.creator.name'] },
    title: { path: 'event' },
    branch: { path: 'build.branch', strip: branchPrefixes },
  },
}
