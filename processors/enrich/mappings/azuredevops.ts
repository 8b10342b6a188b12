import type { Mapping } from '../mapping.ts'
import {
  branchPrefixes,
  problemWords,
  resultSeverity,
  resultWords,
  severityWords,
} from './words.ts'

const workItem = 'resource.fields'

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
      severity: { path: ['resource.environment.status'], map: resultSeverity },
      status: { path: ['resource.environment.status'], map: resultWords },
      resource: { path: ['resource.release.releaseDefinition.name', 'resource.release.name'] },
      environment: { path: 'resource.environment.name' },
      fingerprint: [
        { path: 'resourceContainers.project.id' },
        { path: 'resource.release.releaseDefinition.id' },
        { path: 'resource.environment.name' },
      ],
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
