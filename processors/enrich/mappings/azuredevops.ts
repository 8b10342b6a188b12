import type { Severity, Status } from '../facts.ts'
import type { FactRules, Mapping } from '../mapping.ts'
import {
  branchPrefixes,
  problemWords,
  resultSeverity,
  resultWords,
  severityWords,
} from './words.ts'

const workItem = 'resource.fields'

/** What pipelines and releases say beside what all builds say; a deployment that failed is rejected. */
const states: Readonly<Record<string, Status>> = {
  ...resultWords,
  rejected: 'failed',
  succeededwithissues: 'succeeded',
  canceling: 'in_progress',
  notstarted: 'in_progress',
}
const stateSeverity: Readonly<Record<string, Severity>> = { ...resultSeverity, rejected: 'high' }

const project = { path: ['resourceContainers.project.id', 'resource.project.id'] }
const pipelineBranch = 'resource.run.resources.repositories.self.refName'

/** A run, one of its stages or one of its jobs: the latter two carry the run along. */
const pipeline = (part: 'run' | 'stage' | 'job'): FactRules => ({
  category: { value: 'build' },
  severity: { path: [`resource.${part}.result`, `resource.${part}.state`], map: stateSeverity },
  status: { path: [`resource.${part}.result`, `resource.${part}.state`], map: states },
  resource: { path: ['resource.pipeline.name', 'resource.run.pipeline.name'] },
  url: { path: [`resource.${part}._links.web.href`, 'resource.run._links.web.href'] },
  branch: { path: pipelineBranch, strip: branchPrefixes },
  fingerprint: [
    project,
    { path: ['resource.pipeline.id', 'resource.run.pipeline.id'] },
    { path: pipelineBranch },
    ...(part === 'run' ? [] : [{ path: 'resource.stage.name' }]),
    ...(part === 'job' ? [{ path: 'resource.job.name' }] : []),
  ],
})

export const azuredevops: Mapping = {
  provider: 'azuredevops',
  detect: [[{ path: 'eventType' }, { path: 'publisherId' }, { path: 'resource' }]],
  kinds: [
    {
      kind: 'build',
      when: { path: 'eventType', prefix: 'build.' },
      category: { value: 'build' },
      severity: { path: ['resource.result', 'resource.status'], map: resultSeverity },
      status: { path: ['resource.result', 'resource.status'], map: resultWords },
      resource: { path: ['resource.definition.name', 'resource.buildNumber'] },
      actor: {
        path: ['resource.requestedFor.displayName', 'resource.requests.*.requestedFor.displayName'],
      },
      branch: { path: 'resource.sourceBranch', strip: branchPrefixes },
      fingerprint: [
        { path: ['resourceContainers.project.id'] },
        { path: ['resource.definition.id', 'resource.definition.name'] },
        { path: 'resource.sourceBranch' },
      ],
    },
    {
      kind: 'release',
      when: { path: 'eventType', prefix: 'ms.vss-release.' },
      category: { value: 'deploy' },
      severity: { path: ['resource.environment.status'], map: stateSeverity },
      status: { path: ['resource.environment.status'], map: states },
      resource: {
        path: [
          'resource.release.releaseDefinition.name',
          'resource.environment.releaseDefinition.name',
          'resource.release.name',
          'resource.environment.release.name',
        ],
      },
      environment: { path: 'resource.environment.name' },
      fingerprint: [
        project,
        {
          path: [
            'resource.release.releaseDefinition.id',
            'resource.environment.releaseDefinition.id',
            'resource.environment.definitionEnvironmentId',
          ],
        },
        { path: 'resource.environment.name' },
      ],
    },
    {
      kind: 'pipeline_run',
      when: { path: 'eventType', is: 'ms.vss-pipelines.run-state-changed-event' },
      ...pipeline('run'),
    },
    {
      kind: 'pipeline_stage',
      when: { path: 'eventType', is: 'ms.vss-pipelines.stage-state-changed-event' },
      ...pipeline('stage'),
    },
    {
      kind: 'pipeline_job',
      when: { path: 'eventType', is: 'ms.vss-pipelines.job-state-changed-event' },
      ...pipeline('job'),
    },
    {
      kind: 'pipeline_approval',
      when: { path: 'eventType', prefix: 'ms.vss-pipelinechecks-events.' },
      category: { value: 'deploy' },
      severity: { path: 'resource.approval.status', map: { pending: 'medium' } },
      status: {
        path: 'resource.approval.status',
        map: { pending: 'open', approved: 'resolved', rejected: 'closed' },
      },
      resource: { path: ['resource.pipeline.name', 'resource.stageName'] },
      fingerprint: [{ path: 'resource.approval.id' }],
    },
    {
      kind: 'work_item',
      when: { path: 'eventType', prefix: 'workitem.' },
      category: { value: 'issue' },
      severity: {
        path: [
          `${workItem}["Microsoft.VSTS.Common.Severity"]`,
          `resource.revision.fields["Microsoft.VSTS.Common.Severity"]`,
        ],
        map: {
          '1 - critical': 'critical',
          '2 - high': 'high',
          '3 - medium': 'medium',
          '4 - low': 'low',
        },
      },
      status: {
        path: [`${workItem}["System.State"]`, 'resource.revision.fields["System.State"]'],
        map: problemWords,
      },
      resource: { path: [`${workItem}["System.TeamProject"]`, 'resource.id'] },
      actor: { path: ['resource.revisedBy.displayName', `${workItem}["System.CreatedBy"]`] },
      fingerprint: [
        { path: 'resourceContainers.project.id' },
        { path: ['resource.workItemId', 'resource.id'] },
      ],
    },
    {
      kind: 'pull_request',
      when: { path: 'eventType', prefix: 'git.pullrequest' },
      status: {
        path: 'resource.status',
        map: { ...problemWords, completed: 'closed', abandoned: 'closed' },
      },
      resource: { path: 'resource.repository.name' },
      actor: { path: 'resource.createdBy.displayName' },
      branch: { path: 'resource.sourceRefName', strip: branchPrefixes },
      fingerprint: [{ path: 'resource.repository.id' }, { path: 'resource.pullRequestId' }],
    },
    {
      kind: 'push',
      when: { path: 'eventType', is: 'git.push' },
      resource: { path: 'resource.repository.name' },
      actor: { path: 'resource.pushedBy.displayName' },
      branch: { path: 'resource.refUpdates.*.name', strip: branchPrefixes },
      fingerprint: [{ path: 'resource.repository.id' }, { path: 'resource.refUpdates.*.name' }],
    },
  ],
  facts: {
    severity: [{ path: 'resource.severity', map: severityWords }, { value: 'info' }],
    category: { value: 'code' },
    title: { path: ['message.text', 'detailedMessage.text', 'eventType'] },
    url: { path: ['resource._links.web.href', 'resource.url'] },
  },
}
