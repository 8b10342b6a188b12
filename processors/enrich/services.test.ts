import { describe, expect, it } from 'vitest'
import type { Facts } from './index.ts'
import { factsOf } from './testing.ts'

/** Bodies as their vendors document them, cut to what enrich reads. */
interface Case {
  readonly provider: string
  readonly name: string
  readonly body: unknown
  readonly facts: Partial<Facts>
}

const assessment = (trigger: string): unknown => ({
  payload_version: '2',
  notification_configuration_id: 'nc-1',
  trigger_scope: 'assessment',
  trigger,
  message: 'Drift Detected',
  details: { workspace_id: 'ws-1', workspace_name: 'payments', organization_name: 'acme' },
})

const sns = (message: unknown): unknown => ({
  Type: 'Notification',
  MessageId: 'm-1',
  TopicArn: 'arn:aws:sns:eu-west-1:1:security',
  Message: JSON.stringify(message),
})

const guardDuty = (severity: number, more = {}): unknown =>
  sns({
    'detail-type': 'GuardDuty Finding',
    source: 'aws.guardduty',
    resources: [],
    detail: {
      id: 'f-1',
      severity,
      title: 'SSH brute force attacks against i-1',
      resource: { instanceDetails: { instanceId: 'i-1' } },
      ...more,
    },
  })

const securityHub = (finding: Readonly<Record<string, unknown>>): unknown =>
  sns({
    'detail-type': 'Security Hub Findings - Imported',
    source: 'aws.securityhub',
    resources: ['arn:aws:securityhub:eu-west-1::product/aws/macie'],
    detail: {
      findings: [
        { Id: 'f-1', Title: 'Bucket is public', Resources: [{ Id: 'arn:aws:s3:::b' }], ...finding },
      ],
    },
  })

const pipelines = (part: string, resource: unknown): unknown => ({
  eventType: `ms.vss-pipelines.${part}-state-changed-event`,
  publisherId: 'pipelines',
  message: { text: `Run 11 ${part} changed.` },
  resource,
  resourceContainers: { project: { id: 'p-1' } },
})
const pipeline = { id: 2, name: 'payments' }
const run = { pipeline, id: 11, name: '11', state: 'completed', result: 'failed' }

const cases: readonly Case[] = [
  {
    provider: 'terraform-cloud',
    name: 'drift in payload 2',
    body: assessment('assessment:drifted'),
    facts: {
      kind: 'assessment',
      severity: 'medium',
      category: 'alert',
      status: 'open',
      resource: 'payments',
      title: 'Drift Detected: payments',
    },
  },
  {
    provider: 'terraform-cloud',
    name: 'a failing check in payload 2',
    body: assessment('assessment:check_failure'),
    facts: { kind: 'assessment', severity: 'high', status: 'open' },
  },
  {
    provider: 'sentry',
    name: 'an error',
    body: {
      action: 'created',
      installation: { uuid: 'i-1' },
      actor: { type: 'application', id: 'sentry', name: 'Sentry' },
      data: {
        error: {
          event_id: 'e-1',
          issue_id: '7',
          level: 'fatal',
          project: 3,
          title: 'ReferenceError: x is not defined',
          web_url: 'https://sentry.io/organizations/acme/issues/7/events/e-1/',
          tags: [['environment', 'production']],
        },
      },
    },
    facts: {
      kind: 'error',
      severity: 'critical',
      status: 'open',
      title: 'ReferenceError: x is not defined',
      environment: 'production',
    },
  },
  ...(
    [
      ['high', 'detected', { severity: 'high', status: 'open' }],
      ['unknown', 'confirmed', { severity: 'unknown', status: 'acknowledged' }],
      ['low', 'resolved', { severity: 'low', status: 'resolved' }],
    ] as const
  ).map(([severity, state, facts]) => ({
    provider: 'gitlab',
    name: `a vulnerability that is ${state}`,
    body: {
      object_kind: 'vulnerability',
      object_attributes: {
        url: 'https://example.com/acme/payments/-/security/vulnerabilities/1',
        title: 'REXML DoS vulnerability',
        state,
        project_id: 50,
        severity,
      },
    },
    facts: { kind: 'vulnerability', category: 'security' as const, resource: '50', ...facts },
  })),
  ...(
    [
      [9.1, 'critical'],
      [8, 'high'],
      [5.3, 'medium'],
      [2, 'low'],
    ] as const
  ).map(([number, severity]) => ({
    provider: 'aws-sns',
    name: `a finding of GuardDuty of ${number}`,
    body: guardDuty(number),
    facts: {
      kind: 'guardduty_finding',
      category: 'security' as const,
      status: 'open' as const,
      resource: 'i-1',
      title: 'SSH brute force attacks against i-1',
      severity,
    },
  })),
  {
    provider: 'aws-sns',
    name: 'a finding of GuardDuty in the archive',
    body: guardDuty(8, { service: { archived: true } }),
    facts: { status: 'closed' },
  },
  {
    provider: 'aws-sns',
    name: 'a finding of Security Hub',
    body: securityHub({ Severity: { Label: 'CRITICAL' }, Workflow: { Status: 'NEW' } }),
    facts: {
      kind: 'security_hub_finding',
      severity: 'critical',
      category: 'security',
      status: 'open',
      resource: 'arn:aws:s3:::b',
      title: 'Bucket is public',
      count: 1,
    },
  },
  {
    provider: 'aws-sns',
    name: 'a finding of Security Hub that is resolved',
    body: securityHub({
      Severity: { Label: 'INFORMATIONAL' },
      Workflow: { Status: 'RESOLVED' },
      RecordState: 'ACTIVE',
    }),
    facts: { severity: 'info', status: 'resolved' },
  },
  {
    provider: 'azuredevops',
    name: 'a run of a pipeline',
    body: pipelines('run', { run }),
    facts: {
      kind: 'pipeline_run',
      severity: 'high',
      category: 'build',
      status: 'failed',
      resource: 'payments',
    },
  },
  {
    provider: 'azuredevops',
    name: 'a stage that is rejected',
    body: pipelines('stage', {
      stage: { name: 'deploy', state: 'completed', result: 'rejected' },
      run: { ...run, state: 'inProgress', result: null },
      pipeline,
    }),
    facts: { kind: 'pipeline_stage', severity: 'high', status: 'failed', resource: 'payments' },
  },
  {
    provider: 'azuredevops',
    name: 'a job that waits',
    body: pipelines('job', {
      job: { name: 'compile', state: 'waiting' },
      stage: { name: 'build', state: 'running' },
      run,
      pipeline,
    }),
    facts: { kind: 'pipeline_job', severity: 'info', status: 'in_progress' },
  },
  {
    provider: 'azuredevops',
    name: 'an approval that is wanted',
    body: {
      eventType: 'ms.vss-pipelinechecks-events.approval-pending',
      publisherId: 'pipelines',
      message: { text: 'Approval pending' },
      resource: { approval: { id: 'a-1', status: 'pending' }, pipeline: null, stage: null },
    },
    facts: { kind: 'pipeline_approval', severity: 'medium', status: 'open' },
  },
  {
    provider: 'azuredevops',
    name: 'a release that is rejected',
    body: {
      eventType: 'ms.vss-release.deployment-completed-event',
      publisherId: 'rm',
      resource: {
        environment: { name: 'Dev', status: 'rejected', release: { name: 'Release-1' } },
        project: { id: 'p-1' },
      },
    },
    facts: { kind: 'release', severity: 'high', status: 'failed', resource: 'Release-1' },
  },
]

describe('what services tell beside their usual events', () => {
  it.each(cases.map((one) => [`${one.provider}: ${one.name}`, one] as const))(
    '%s',
    async (_, { provider, body, facts }) => {
      expect(await factsOf({ provider, type: 'event', body })).toMatchObject(facts)
    },
  )

  it('has findings, stages and services apart from one another', async () => {
    const of = async (provider: string, body: unknown) =>
      (await factsOf({ provider, type: 'event', body })).fingerprint
    const sent = await Promise.all([
      of('aws-sns', guardDuty(8)),
      of('aws-sns', guardDuty(8, { id: 'f-2' })),
      of('aws-sns', securityHub({})),
      of('aws-sns', securityHub({ Id: 'f-2' })),
      of('aws-sns', sns({ 'detail-type': 'a', source: 'aws.ec2', resources: [], id: '1' })),
      of('aws-sns', sns({ 'detail-type': 'a', source: 'aws.ec2', resources: [], id: '2' })),
      of('azuredevops', pipelines('stage', { stage: { name: 'build' }, pipeline })),
      of('azuredevops', pipelines('stage', { stage: { name: 'deploy' }, pipeline })),
      of('azuredevops', pipelines('run', { run })),
      of('azuredevops', pipelines('run', { run: { ...run, pipeline: { id: 3 } } })),
    ])
    expect(new Set(sent).size).toBe(sent.length)
    const over = pipelines('run', { run: { ...run, id: 12, result: 'succeeded' } })
    expect(sent).toContain(await of('azuredevops', over))
  })
})
