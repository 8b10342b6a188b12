import { describe, expect, it } from 'vitest'
import { samples, samplesMissing } from '../testing.ts'
import { factsOf } from './testing.ts'

interface Sent {
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly source?: string
  readonly dedupeKey?: string
  readonly body: unknown
}

const fingerprintOf = async (provider: string, sent: Sent): Promise<string> =>
  (await factsOf({ provider, ...sent })).fingerprint

const stripe = (type: string, object: Readonly<Record<string, unknown>>): Sent => ({
  type,
  body: { id: 'evt_1', object: 'event', type, data: { object } },
})
const invoice = { object: 'invoice', id: 'in_1' }
const intent = { object: 'payment_intent', id: 'pi_1' }
const subscription = { object: 'subscription', id: 'sub_1' }

const sentry = (data: Readonly<Record<string, unknown>>, action = 'created'): Sent => ({
  body: { action, installation: { uuid: 'i-1' }, actor: { type: 'application' }, data },
})
const issueOver = sentry({ issue: { id: '7', status: 'resolved', level: 'error' } }, 'resolved')

const adyen = (eventCode: string, references: Readonly<Record<string, string>>): Sent => ({
  body: {
    live: 'true',
    notificationItems: [
      {
        NotificationRequestItem: {
          eventCode,
          success: 'true',
          merchantReference: 'm',
          ...references,
        },
      },
    ],
  },
})

const repository = { full_name: 'acme/payments', html_url: 'https://github.com/acme/payments' }
const comment = { html_url: 'https://github.com/acme/payments/pull/4#issuecomment-1' }
const commented = {
  action: 'created',
  repository,
  comment,
  issue: { number: 4, title: 'Retry', state: 'open', pull_request: { url: 'u' } },
}
const merged = {
  action: 'closed',
  repository,
  pull_request: { number: 4, title: 'Retry', state: 'closed' },
}

const gate = { project: { key: 'payments' }, branch: { name: 'main' }, taskId: 't-1' }

const release = (status: string, definitionEnvironmentId = 9): Sent => ({
  body: {
    eventType: 'ms.vss-release.deployment-completed-event',
    publisherId: 'rm',
    resource: {
      environment: { name: 'Dev', status, definitionEnvironmentId, release: { name: 'R-1' } },
      project: { id: 'p-1' },
    },
  },
})

describe('a thing and its end', () => {
  it.each<[string, string, Sent, Sent]>([
    [
      'an invoice that failed and was paid',
      'stripe',
      stripe('invoice.payment_failed', invoice),
      stripe('invoice.paid', invoice),
    ],
    [
      'an invoice that failed and was given up',
      'stripe',
      stripe('invoice.payment_failed', invoice),
      stripe('invoice.voided', invoice),
    ],
    [
      'a payment that failed and succeeded',
      'stripe',
      stripe('payment_intent.payment_failed', intent),
      stripe('payment_intent.succeeded', intent),
    ],
    [
      'a subscription past due and deleted',
      'stripe',
      stripe('customer.subscription.updated', { ...subscription, status: 'past_due' }),
      stripe('customer.subscription.deleted', { ...subscription, status: 'canceled' }),
    ],
    [
      'an alert of an issue and the issue resolved',
      'sentry',
      sentry({ event: { issue_id: '7', event_id: 'e-1', level: 'error', title: 'Boom' } }),
      issueOver,
    ],
    [
      'an error of an issue and the issue resolved',
      'sentry',
      sentry({ error: { issue_id: '7', event_id: 'e-1', level: 'error', title: 'Boom' } }),
      issueOver,
    ],
    [
      'a chargeback and its reversal that names the payment',
      'adyen',
      adyen('CHARGEBACK', { pspReference: 'dispute', originalReference: 'payment' }),
      adyen('CHARGEBACK_REVERSED', { pspReference: 'dispute', originalReference: 'payment' }),
    ],
    [
      'a chargeback and its reversal that has the payment as its own reference',
      'adyen',
      adyen('CHARGEBACK', { pspReference: 'dispute', originalReference: 'payment' }),
      adyen('CHARGEBACK_REVERSED', { pspReference: 'payment' }),
    ],
    [
      'a capture that failed and was made',
      'adyen',
      adyen('CAPTURE_FAILED', { pspReference: 'one', originalReference: 'payment' }),
      adyen('CAPTURE', { pspReference: 'other', originalReference: 'payment' }),
    ],
    ['a comment on a pull request and its merge', 'github', { body: commented }, { body: merged }],
    ['a comment on a pull request and its merge', 'gitea', { body: commented }, { body: merged }],
    [
      'an analysis that failed and the next quality gate',
      'sonarqube',
      { body: { ...gate, status: 'FAILED' } },
      { body: { ...gate, status: 'SUCCESS', qualityGate: { status: 'OK' } } },
    ],
    [
      'a release that was rejected and succeeded',
      'azuredevops',
      release('rejected'),
      release('succeeded'),
    ],
  ])('have one fingerprint: %s, %s', async (_, provider, begun, over) => {
    expect(await fingerprintOf(provider, begun)).toBe(await fingerprintOf(provider, over))
  })

  it('have it apart from other things', async () => {
    const of = (sent: Sent) => fingerprintOf('stripe', sent)
    const failed = await of(stripe('invoice.payment_failed', invoice))
    expect(await of(stripe('invoice.paid', { ...invoice, id: 'in_2' }))).not.toBe(failed)
    expect(await of(stripe('charge.dispute.created', invoice))).not.toBe(failed)
    expect(await fingerprintOf('azuredevops', release('rejected', 10))).not.toBe(
      await fingerprintOf('azuredevops', release('rejected')),
    )
  })
})

const alert = samples().find(({ file }) => file === 'alertmanager-firing-group.json')
if (alert === undefined) console.info(`skipped: one body from two sources: ${samplesMissing}`)

describe('two sources of one tenant', () => {
  it.skipIf(alert === undefined)('have the same alert apart from one another', async () => {
    const of = async (source: string) =>
      (await factsOf({ provider: 'alertmanager', source, raw: alert?.raw ?? new Uint8Array() }))
        .fingerprint
    expect(await of('eu')).not.toBe(await of('us'))
    expect(await of('eu')).toBe(await of('eu'))
  })

  it('have what is not recognised apart from one another', async () => {
    const of = (source: string) => fingerprintOf('token', { source, body: { title: 'Down' } })
    expect(await of('eu')).not.toBe(await of('us'))
  })
})

describe('events of which nothing is known', () => {
  it.each<[string, string, unknown]>([
    ['terraform-cloud', 'team:change_request', { trigger: 'team:change_request' }],
    ['gitlab', 'emoji', { object_kind: 'emoji' }],
    ['token', 'event', {}],
  ])('stand for themselves: %s', async (provider, type, body) => {
    const of = (dedupeKey: string) => fingerprintOf(provider, { type, dedupeKey, body })
    expect(await of('delivery-1')).not.toBe(await of('delivery-2'))
    expect(await of('delivery-1')).toBe(await of('delivery-1'))
  })

  it.each<[string, unknown]>([
    ['a title', { title: 'Disk is full' }],
    ['a resource', { host: 'db-1' }],
  ])('do not where they tell %s', async (_, body) => {
    const of = (dedupeKey: string) => fingerprintOf('token', { dedupeKey, body })
    expect(await of('delivery-1')).toBe(await of('delivery-2'))
  })
})
