import type { Mapping } from '../mapping.ts'

export const paddle: Mapping = {
  provider: 'paddle',
  detect: [[{ path: 'event_type' }, { path: 'notification_id' }, { path: 'data' }]],
  kinds: [
    {
      kind: 'adjustment',
      when: { path: 'event_type', prefix: 'adjustment.' },
      severity: {
        path: 'data.action',
        map: { chargeback: 'high', chargeback_warning: 'high', refund: 'low', credit: 'low' },
      },
      title: { template: '{event_type}: {data.action} of {data.transaction_id}' },
      fingerprint: [{ path: 'data.id' }],
    },
    {
      kind: 'transaction',
      when: { path: 'event_type', prefix: 'transaction.' },
      severity: {
        path: 'event_type',
        map: { 'transaction.payment_failed': 'medium', 'transaction.past_due': 'medium' },
      },
      fingerprint: [{ path: 'data.id' }],
    },
    {
      kind: 'subscription',
      when: { path: 'event_type', prefix: 'subscription.' },
      severity: {
        path: 'event_type',
        map: { 'subscription.past_due': 'medium', 'subscription.canceled': 'medium' },
      },
      fingerprint: [{ path: 'data.id' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'payment' },
    status: {
      path: 'data.status',
      map: {
        draft: 'in_progress',
        ready: 'in_progress',
        billed: 'in_progress',
        pending_approval: 'in_progress',
        trialing: 'in_progress',
        approved: 'succeeded',
        paid: 'succeeded',
        completed: 'succeeded',
        active: 'succeeded',
        past_due: 'failed',
        rejected: 'failed',
        canceled: 'cancelled',
        paused: 'cancelled',
        reversed: 'cancelled',
      },
    },
    resource: { path: 'data.id' },
    actor: { path: 'data.customer_id' },
    title: { template: '{event_type}: {data.id}' },
    fingerprint: [{ path: 'data.id' }],
  },
}
