import type { Mapping } from '../mapping.ts'

export const square: Mapping = {
  provider: 'square',
  detect: [[{ path: 'merchant_id' }, { path: 'event_id' }, { path: 'type' }]],
  kinds: [
    {
      kind: 'test_notification',
      when: { path: 'type', is: 'webhooks.test_notification' },
      category: { value: 'lifecycle' },
      test: { path: 'type' },
    },
    {
      kind: 'dispute',
      when: { path: 'type', prefix: 'dispute.' },
      severity: { value: 'high' },
      status: {
        path: ['data.object.dispute.state', 'data.object.dispute.status'],
        map: {
          inquiry_evidence_required: 'open',
          evidence_required: 'open',
          processing: 'in_progress',
          inquiry_processing: 'in_progress',
          won: 'resolved',
          lost: 'closed',
          accepted: 'closed',
        },
      },
    },
    {
      kind: 'payment',
      when: { path: 'type', prefix: 'payment.' },
      severity: {
        path: 'data.object.payment.status',
        map: { failed: 'medium', canceled: 'low', completed: 'info', approved: 'info' },
      },
      status: {
        path: 'data.object.payment.status',
        map: {
          approved: 'in_progress',
          completed: 'succeeded',
          failed: 'failed',
          canceled: 'cancelled',
        },
      },
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'payment' },
    resource: { path: 'data.id' },
    actor: { path: 'merchant_id' },
    title: { template: '{type} of {merchant_id}' },
    fingerprint: [{ path: 'data.type' }, { path: 'data.id' }],
  },
}
