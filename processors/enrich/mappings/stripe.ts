import type { Mapping } from '../mapping.ts'

export const stripe: Mapping = {
  provider: 'stripe',
  detect: [
    [
      { path: 'object', is: 'event' },
      { path: 'data.object.object' },
      { path: 'id', prefix: 'evt_' },
    ],
  ],
  kinds: [
    {
      kind: 'dispute',
      when: { path: 'type', prefix: 'charge.dispute.' },
      severity: [
        { when: { path: 'type', is: 'charge.dispute.closed' }, value: 'low' },
        { value: 'high' },
      ],
      status: {
        path: 'data.object.status',
        map: {
          needs_response: 'open',
          warning_needs_response: 'open',
          under_review: 'in_progress',
          warning_under_review: 'in_progress',
          won: 'resolved',
          lost: 'closed',
          warning_closed: 'closed',
        },
      },
      title: { template: 'Dispute of {data.object.charge}: {data.object.reason}' },
    },
    {
      kind: 'fraud_warning',
      when: { path: 'type', prefix: 'radar.early_fraud_warning.' },
      category: { value: 'security' },
      severity: { value: 'high' },
      status: { value: 'open' },
    },
    {
      kind: 'payment_failed',
      about: 'payment',
      when: {
        path: 'type',
        is: [
          'invoice.payment_failed',
          'payment_intent.payment_failed',
          'charge.failed',
          'checkout.session.async_payment_failed',
          'setup_intent.setup_failed',
        ],
      },
      severity: { value: 'medium' },
      status: { value: 'failed' },
    },
    {
      kind: 'payout_failed',
      when: { path: 'type', is: ['payout.failed', 'transfer.failed'] },
      severity: { value: 'high' },
      status: { value: 'failed' },
    },
    {
      kind: 'payment_succeeded',
      about: 'payment',
      when: {
        path: 'type',
        is: [
          'payment_intent.succeeded',
          'charge.succeeded',
          'setup_intent.succeeded',
          'invoice.paid',
          'invoice.payment_succeeded',
          'checkout.session.completed',
          'checkout.session.async_payment_succeeded',
        ],
      },
      status: { value: 'succeeded' },
    },
    {
      kind: 'payment_given_up',
      about: 'payment',
      when: {
        path: 'type',
        is: [
          'invoice.voided',
          'invoice.marked_uncollectible',
          'payment_intent.canceled',
          'setup_intent.canceled',
          'checkout.session.expired',
        ],
      },
      status: { value: 'cancelled' },
    },
    {
      kind: 'subscription_ended',
      about: 'subscription',
      when: { path: 'type', is: 'customer.subscription.deleted' },
      severity: { value: 'low' },
      status: { value: 'cancelled' },
    },
    {
      kind: 'subscription',
      when: { path: 'type', prefix: 'customer.subscription.' },
      severity: { path: 'data.object.status', map: { past_due: 'medium', unpaid: 'medium' } },
      status: {
        path: 'data.object.status',
        map: {
          trialing: 'in_progress',
          incomplete: 'in_progress',
          active: 'succeeded',
          past_due: 'failed',
          unpaid: 'failed',
          canceled: 'cancelled',
        },
      },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'payment' },
    resource: { path: 'data.object.id' },
    actor: { path: ['data.object.customer', 'account'] },
    title: { template: '{type}: {data.object.id}' },
    url: [
      {
        when: { path: 'livemode', is: 'false' },
        template: 'https://dashboard.stripe.com/test/events/{id}',
      },
      { template: 'https://dashboard.stripe.com/events/{id}' },
    ],
    fingerprint: [{ path: 'data.object.object' }, { path: 'data.object.id' }],
    test: { path: 'livemode', is: 'false' },
  },
}
