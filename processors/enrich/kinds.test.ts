import { describe, expect, it } from 'vitest'
import type { Facts } from './index.ts'
import { factsOf } from './testing.ts'

/** Bodies as their vendors document them, cut to what enrich reads. */
type Case = readonly [name: string, body: unknown, facts: Partial<Facts>]

const each = (provider: string, cases: readonly Case[]): void => {
  it.each(cases.map(([name, ...rest]) => [`${provider}: ${name}`, ...rest] as const))(
    '%s',
    async (_, body, facts) => {
      expect(await factsOf({ provider, type: 'event', body })).toMatchObject(facts)
    },
  )
}

const adyen = (eventCode: string, success: string): unknown => ({
  live: 'true',
  notificationItems: [
    { NotificationRequestItem: { eventCode, success, pspReference: 'p', merchantReference: 'm' } },
  ],
})

describe('Adyen says success of an event, not of a payment', () => {
  const failed = { kind: 'payment_failure', severity: 'high', status: 'failed' } as const
  const open = { kind: 'chargeback', severity: 'high', status: 'open' } as const
  const won = { kind: 'chargeback_won', severity: 'low', status: 'resolved' } as const
  each('adyen', [
    ...[
      'CAPTURE_FAILED',
      'REFUND_FAILED',
      'PAYMENT_FAILURE',
      'REFUNDED_REVERSED',
      'PAYOUT_EXPIRE',
    ].map((code): Case => [code, adyen(code, 'true'), failed]),
    ...[
      'CHARGEBACK',
      'SECOND_CHARGEBACK',
      'PREARBITRATION_OPEN',
      'PREARBITRATION_LOST',
      'DISPUTE_OPENED_WITH_CHARGEBACK',
      'DISPUTE_DEFENSE_PERIOD_ENDED',
    ].map((code): Case => [code, adyen(code, 'true'), open]),
    ...['CHARGEBACK_REVERSED', 'PREARBITRATION_WON', 'ISSUER_RESPONSE_TIMEFRAME_EXPIRED'].map(
      (code): Case => [code, adyen(code, 'true'), won],
    ),
    ['AUTHORISATION', adyen('AUTHORISATION', 'true'), { severity: 'info', status: 'succeeded' }],
    [
      'AUTHORISATION refused',
      adyen('AUTHORISATION', 'false'),
      { severity: 'medium', status: 'failed' },
    ],
  ])
})

const falco = (
  hostname: string | undefined,
  fields: Readonly<Record<string, unknown>>,
): unknown => ({
  ...(hostname === undefined ? {} : { hostname }),
  priority: 'Warning',
  rule: 'Read sensitive file untrusted',
  output: 'Sensitive file opened',
  output_fields: fields,
})
const onHost = { 'container.id': 'host', 'container.name': 'host', 'k8s.pod.name': null }
const inPod = { 'container.id': 'a1', 'container.name': 'app', 'k8s.pod.name': 'shop-0' }

describe('Falco', () => {
  each('falco', [
    ['on a machine', falco('db-1', onHost), { resource: 'db-1' }],
    [
      'on a machine, with what is not available spelled out',
      falco('db-1', { ...onHost, 'k8s.pod.name': '<NA>', 'k8s.ns.name': '<NA>' }),
      { resource: 'db-1', environment: '' },
    ],
    ['on a machine without a name', falco(undefined, onHost), { resource: 'host' }],
    ['in a pod', falco('node-1', inPod), { resource: 'shop-0' }],
    [
      'in a container without a pod',
      falco('db-1', { ...inPod, 'k8s.pod.name': '<NA>' }),
      { resource: 'app' },
    ],
  ])

  it('tells machines apart', async () => {
    const of = async (body: unknown) => (await factsOf({ provider: 'falco', body })).fingerprint
    expect(await of(falco('db-1', onHost))).not.toBe(await of(falco('db-2', onHost)))
    expect(await of(falco('db-1', inPod))).toBe(await of(falco('db-2', inPod)))
  })
})

const alert = (status: string | undefined, severity: string) => ({
  ...(status === undefined ? {} : { status }),
  labels: { severity },
})
const group = (status: string, alerts: readonly unknown[], more = {}): unknown => ({
  groupKey: 'g',
  receiver: 'r',
  status,
  alerts,
  ...more,
})
const half = [alert('firing', 'warning'), alert('resolved', 'critical'), alert('resolved', 'info')]
const whole = [alert('resolved', 'warning'), alert('resolved', 'critical')]
const report = (results: readonly unknown[], summary: unknown): unknown => ({
  kind: 'PolicyReport',
  metadata: { name: 'r' },
  summary,
  results,
})
const passed = { result: 'pass', severity: 'critical' }

describe('what is over counts neither for how bad it is nor for how many', () => {
  for (const [provider, more] of [
    ['alertmanager', {}],
    ['grafana', { orgId: 1 }],
  ] as const)
    each(provider, [
      [
        'a group half over',
        group('firing', half, more),
        { severity: 'medium', count: 1, status: 'open' },
      ],
      ['a group that is over', group('resolved', whole, more), { severity: 'critical', count: 2 }],
      [
        'alerts that do not say',
        group('firing', [alert(undefined, 'warning'), alert(undefined, 'critical')], more),
        { severity: 'critical', count: 2 },
      ],
    ])
  each('policyreport', [
    [
      'what passed',
      report([passed, { result: 'fail', severity: 'low' }, { result: 'skip' }], {
        fail: 1,
        pass: 1,
      }),
      { severity: 'low', count: 1, status: 'open' },
    ],
    [
      'all of it',
      report([passed], { fail: 0, pass: 1 }),
      { severity: 'info', count: 0, status: 'resolved' },
    ],
  ])
})

const repository = { full_name: 'acme/payments', html_url: 'https://github.com/acme/payments' }
const deployment = { task: 'deploy', environment: 'production', ref: 'main' }
const run = {
  name: 'CI',
  workflow_id: 7,
  conclusion: null,
  status: 'in_progress',
  head_branch: 'main',
}

describe('GitHub Actions', () => {
  const status = { state: 'failure', environment: 'production' }
  each('github', [
    [
      'a status of its deployment',
      {
        repository,
        deployment,
        deployment_status: status,
        check_run: { name: 'deploy', status: 'completed', conclusion: 'failure' },
        workflow: { id: 7 },
        workflow_run: run,
      },
      {
        kind: 'deployment_status',
        category: 'deploy',
        status: 'failed',
        environment: 'production',
      },
    ],
    [
      'its deployment',
      { repository, deployment, workflow: { id: 7 }, workflow_run: run },
      { kind: 'deployment', category: 'deploy', status: 'in_progress' },
    ],
    [
      'its job that deploys',
      { repository, deployment, workflow_job: { name: 'deploy', conclusion: 'failure' } },
      { kind: 'workflow_job', category: 'build', status: 'failed' },
    ],
  ])
})

const datadog = (fields: Readonly<Record<string, string>>): unknown => ({
  title: 'Errors of checkout',
  alert_id: '1',
  alert_transition: 'Triggered',
  ...fields,
})

describe('Datadog', () => {
  each('datadog', [
    [
      'both priorities',
      datadog({ alert_priority: 'P1', priority: 'normal' }),
      { severity: 'critical' },
    ],
    [
      'both, in the other style',
      datadog({ alertPriority: 'P2', priority: 'low' }),
      { severity: 'high' },
    ],
    ['that of the monitor under its short name', datadog({ priority: 'P4' }), { severity: 'low' }],
    [
      'that of the event alone',
      datadog({ priority: 'normal', alert_type: 'error' }),
      { severity: 'high' },
    ],
    ['nothing but that of the event', datadog({ priority: 'normal' }), { severity: 'unknown' }],
    ['a priority in words', datadog({ priority: 'high' }), { severity: 'high' }],
    [
      'a word for that of the monitor',
      datadog({ alert_priority: 'critical', priority: 'low' }),
      { severity: 'critical' },
    ],
    [
      'a severity of its own',
      datadog({ severity: 'critical', alert_type: 'nonsense' }),
      { severity: 'critical' },
    ],
    ['a warning again', datadog({ alert_transition: 'Re-Warn' }), { status: 'open' }],
  ])
})

describe('kinds that no shape of a body is', () => {
  it.each<[string, string, unknown]>([
    [
      'stripe',
      'customer.created',
      { type: 'customer.created', data: { object: { object: 'customer' } } },
    ],
    ['github', 'star.created', { action: 'created', repository }],
    ['sentry', 'seer.started', { action: 'started', installation: { uuid: 'i' }, data: {} }],
  ])('%s: nobody said how bad %s is', async (provider, type, body) => {
    expect(await factsOf({ provider, type, body })).toMatchObject({
      kind: 'event',
      severity: 'unknown',
    })
  })

  it('what the body itself says holds', async () => {
    const body = { eventType: 'x.y', publisherId: 'p', resource: { severity: 'high' } }
    expect((await factsOf({ provider: 'azuredevops', body })).severity).toBe('high')
  })
})
