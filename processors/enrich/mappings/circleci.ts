import type { Mapping, Rule } from '../mapping.ts'
import { resultSeverity, resultWords } from './words.ts'

const project: Rule = { path: ['project.slug', 'project.name'] }

export const circleci: Mapping = {
  provider: 'circleci',
  detect: [
    [{ header: 'circleci-event-type' }],
    [{ path: 'type', is: ['workflow-completed', 'job-completed'] }, { path: 'pipeline' }],
  ],
  kinds: [
    {
      kind: 'job',
      when: { path: 'job' },
      severity: { path: 'job.status', map: resultSeverity },
      status: { path: 'job.status', map: resultWords },
      title: { template: '{job.name}: {job.status}' },
      fingerprint: [project, { path: 'job.name' }, { path: 'pipeline.vcs.branch' }],
    },
    {
      kind: 'workflow',
      when: { path: 'workflow' },
      severity: { path: 'workflow.status', map: resultSeverity },
      status: { path: 'workflow.status', map: resultWords },
      title: { template: '{workflow.name}: {workflow.status}' },
      fingerprint: [project, { path: 'workflow.name' }, { path: 'pipeline.vcs.branch' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'build' },
    resource: project,
    actor: { path: ['pipeline.vcs.commit.author.name', 'pipeline.trigger.type'] },
    title: { template: '{type} of {project.name}' },
    url: { path: ['workflow.url', 'pipeline.url'] },
    branch: { path: 'pipeline.vcs.branch' },
  },
}
