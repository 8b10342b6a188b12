import type { Mapping, Rule } from '../mapping.ts'
import {
  branchPrefixes,
  problemWords,
  resultSeverity,
  resultWords,
  severityWords,
} from './words.ts'

const project: Rule = { path: ['project.path_with_namespace', 'project.name', 'repository.name'] }
const kind = (name: string) => ({ path: 'object_kind', is: name })

export const gitlab: Mapping = {
  provider: 'gitlab',
  detect: [
    [{ header: 'x-gitlab-event' }],
    [{ path: 'object_kind' }, { path: 'project.path_with_namespace' }],
  ],
  kinds: [
    {
      kind: 'push',
      when: { path: 'object_kind', is: ['push', 'tag_push'] },
      title: [{ path: 'commits.*.title' }, { template: 'Push to {ref}' }],
      url: { path: ['commits.*.url', 'project.web_url'] },
      branch: { when: { path: 'ref', prefix: 'refs/heads/' }, path: 'ref', strip: branchPrefixes },
      fingerprint: [project, { path: 'ref' }],
    },
    {
      kind: 'pipeline',
      when: kind('pipeline'),
      category: { value: 'build' },
      severity: { path: 'object_attributes.status', map: resultSeverity },
      status: { path: 'object_attributes.status', map: resultWords },
      title: { template: 'Pipeline on {object_attributes.ref}: {object_attributes.status}' },
      url: [
        { path: 'object_attributes.url' },
        { template: '{project.web_url}/-/pipelines/{object_attributes.id}' },
      ],
      branch: { path: 'object_attributes.ref' },
      fingerprint: [project, { path: 'object_attributes.ref' }],
    },
    {
      kind: 'build',
      when: kind('build'),
      category: { value: 'build' },
      severity: { path: 'build_status', map: resultSeverity },
      status: { path: 'build_status', map: resultWords },
      title: { template: 'Job {build_name}: {build_status}' },
      url: { template: '{project.web_url}/-/jobs/{build_id}' },
      branch: { path: 'ref' },
      fingerprint: [project, { path: 'build_name' }, { path: 'ref' }],
    },
    {
      kind: 'deployment',
      when: kind('deployment'),
      category: { value: 'deploy' },
      severity: { path: 'status', map: resultSeverity },
      status: { path: 'status', map: resultWords },
      title: { template: 'Deployment to {environment}: {status}' },
      url: { path: 'deployable_url' },
      environment: { path: ['environment', 'environment_tier'] },
      branch: { path: 'ref' },
      fingerprint: [project, { path: 'environment' }],
    },
    {
      kind: 'issue',
      when: { path: 'object_kind', is: ['issue', 'incident', 'work_item'] },
      category: [
        { when: { path: 'object_attributes.type', is: 'Incident' }, value: 'incident' },
        { value: 'issue' },
      ],
      severity: { path: 'object_attributes.severity', map: severityWords },
      status: { path: 'object_attributes.state', map: problemWords },
      title: { path: 'object_attributes.title' },
      url: { path: 'object_attributes.url' },
      fingerprint: [project, { path: 'object_attributes.iid' }],
    },
    {
      kind: 'merge_request',
      when: kind('merge_request'),
      status: { path: 'object_attributes.state', map: problemWords },
      title: { path: 'object_attributes.title' },
      url: { path: 'object_attributes.url' },
      branch: { path: 'object_attributes.source_branch' },
      fingerprint: [project, { path: 'object_attributes.iid' }],
    },
    {
      kind: 'note',
      when: kind('note'),
      category: [{ when: { path: 'issue' }, value: 'issue' }, { value: 'code' }],
      status: { path: ['merge_request.state', 'issue.state'], map: problemWords },
      title: {
        template: 'Comment on "{merge_request.title|issue.title|commit.message|snippet.title}"',
      },
      url: { path: 'object_attributes.url' },
      branch: { path: 'merge_request.source_branch' },
      fingerprint: [
        project,
        { path: 'object_attributes.noteable_type' },
        { path: ['merge_request.iid', 'issue.iid', 'commit.id', 'snippet.id'] },
      ],
    },
    {
      kind: 'release',
      when: kind('release'),
      category: { value: 'deploy' },
      status: { value: 'succeeded' },
      title: { template: 'Release {name|tag}' },
      url: { path: 'url' },
      fingerprint: [project, { path: 'tag' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'code' },
    resource: project,
    actor: { path: ['user.username', 'user_username', 'user_name', 'user.name'] },
    title: { template: '{object_kind} in {project.path_with_namespace}' },
    url: { path: 'project.web_url' },
  },
}
