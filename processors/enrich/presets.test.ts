import { describe, expect, it } from 'vitest'
import type { Facts } from './index.ts'
import { factsOf } from './testing.ts'

interface Case {
  readonly provider: string
  readonly type: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: unknown
  readonly facts: Partial<Facts>
}

const run = (trigger: string) => ({
  payload_version: 1,
  notification_configuration_id: 'nc-1',
  run_url: 'https://app.terraform.io/app/acme/payments/runs/run-1',
  run_id: 'run-1',
  workspace_id: 'ws-1',
  workspace_name: 'payments',
  organization_name: 'acme',
  notifications: [{ message: 'Run', trigger, run_updated_by: 'ada' }],
})

const build = (state: string) => ({
  event: 'build.finished',
  build: { number: 27, state, branch: 'main', web_url: 'https://buildkite.com/acme/p/builds/27' },
  pipeline: { id: 'p-1', slug: 'payments', name: 'Payments' },
  sender: { name: 'Ada' },
})

const cases: readonly Case[] = [
  {
    provider: 'buildkite',
    type: 'build.finished',
    headers: { 'x-buildkite-event': 'build.finished' },
    body: build('failed'),
    facts: {
      kind: 'build',
      severity: 'high',
      category: 'build',
      status: 'failed',
      resource: 'payments',
      branch: 'main',
      title: 'Payments #27: failed',
    },
  },
  {
    provider: 'terraform-cloud',
    type: 'run:errored',
    body: run('run:errored'),
    facts: {
      kind: 'run',
      severity: 'high',
      category: 'deploy',
      status: 'failed',
      resource: 'payments',
      actor: 'ada',
    },
  },
  {
    provider: 'terraform-cloud',
    type: 'assessment:drifted',
    body: run('assessment:drifted'),
    facts: { kind: 'assessment', severity: 'medium', category: 'alert', status: 'open' },
  },
  {
    provider: 'sonarqube',
    type: 'quality_gate.ERROR',
    body: {
      taskId: 't-1',
      status: 'SUCCESS',
      project: { key: 'acme_payments', name: 'Payments', url: 'https://sonar.example.com/d' },
      branch: { name: 'main' },
      qualityGate: { status: 'ERROR' },
    },
    facts: {
      kind: 'quality_gate',
      severity: 'high',
      category: 'code',
      status: 'failed',
      title: 'Quality gate of Payments: ERROR',
      branch: 'main',
    },
  },
  {
    provider: 'snyk',
    type: 'project_snapshot/v0',
    headers: { 'x-snyk-event': 'project_snapshot/v0' },
    body: {
      project: { id: 'p-1', name: 'acme/payments' },
      newIssues: [
        { issueData: { title: 'Denial of service', severity: 'medium' } },
        { issueData: { title: 'Code execution', severity: 'critical' } },
      ],
    },
    facts: {
      kind: 'project_snapshot',
      severity: 'critical',
      category: 'security',
      status: 'open',
      count: 2,
      title: 'New issue in acme/payments: Denial of service',
    },
  },
  {
    provider: 'vercel',
    type: 'deployment.error',
    body: {
      type: 'deployment.error',
      payload: {
        project: { id: 'prj_1' },
        deployment: { id: 'dpl_1', name: 'shop', meta: { githubCommitRef: 'main' } },
        target: 'production',
      },
    },
    facts: {
      kind: 'deployment',
      severity: 'high',
      category: 'deploy',
      status: 'failed',
      resource: 'shop',
      environment: 'production',
      branch: 'main',
    },
  },
  {
    provider: 'heroku',
    type: 'release.create',
    body: {
      action: 'create',
      resource: 'release',
      actor: { email: 'ada@example.com' },
      data: { version: 27, status: 'failed', app: { id: 'a-1', name: 'payments' } },
      webhook_metadata: { event: { include: 'api:release' } },
    },
    facts: {
      kind: 'release',
      severity: 'high',
      category: 'deploy',
      status: 'failed',
      resource: 'payments',
      title: 'Release 27 of payments: failed',
    },
  },
  {
    provider: 'hackerone',
    type: 'report_created',
    headers: { 'x-h1-event': 'report_created' },
    body: {
      data: {
        report: {
          id: '1337',
          attributes: { title: 'XSS in login form', state: 'new' },
          relationships: { severity: { data: { attributes: { rating: 'high' } } } },
        },
      },
    },
    facts: {
      kind: 'report',
      severity: 'high',
      category: 'security',
      status: 'open',
      title: 'XSS in login form',
    },
  },
  {
    provider: 'launchdarkly',
    type: 'flag.updateOn',
    body: {
      _id: '57c0',
      kind: 'flag',
      name: 'New checkout',
      title: 'Ada turned on New checkout in Production',
      accesses: [{ action: 'updateOn', resource: 'proj/shop:env/production:flag/new-checkout' }],
      member: { email: 'ada@example.com' },
    },
    facts: {
      kind: 'flag',
      severity: 'info',
      category: 'deploy',
      resource: 'New checkout',
      actor: 'ada@example.com',
    },
  },
]

describe('mappings of providers without a recorded payload', () => {
  it.each(cases.map((each) => [`${each.provider} ${each.type}`, each] as const))(
    '%s',
    async (_, { provider, type, headers = {}, body, facts }) => {
      const named = await factsOf({ provider, type, headers, body })
      expect(named).toMatchObject({ ...facts, provider })
      expect(await factsOf({ provider: 'token', type, headers, body })).toMatchObject({
        ...facts,
        provider,
      })
    },
  )

  it('give a problem one fingerprint until it is over', async () => {
    const of = async (state: string) =>
      (await factsOf({ provider: 'buildkite', type: 'build.finished', body: build(state) }))
        .fingerprint
    expect(await of('failed')).toBe(await of('passed'))
  })
})
