import type { Preset } from './preset.ts'

export const wise: Preset = {
  name: 'wise',
  title: 'Wise',
  docs: 'https://docs.wise.com/guides/developer/webhooks/event-handling',
  evidence: {
    checked: 'documentation',
    source: 'How to create a webhook event handler, Signature header',
    url: 'https://docs.wise.com/guides/developer/webhooks/event-handling',
  },
  schemes: [
    { name: 'rsa', verify: { scheme: 'rsa', header: 'x-signature-sha256', encoding: 'base64' } },
  ],
  deliveryId: { header: 'x-delivery-id' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'event_type' },
  defaultType: 'event',
  patienceMs: 5000,
  keep: ['x-delivery-id', 'x-test-notification', 'user-agent'],
  secret: 'The public key of Wise, in PEM, from that page: one for production, one for the sandbox',
  notes: [
    'One key of Wise signs for all its customers: the signature proves that Wise sent the request, not that it was meant for you. Check data.resource.profile_id in a route.',
  ],
  samples: [
    {
      type: 'transfers#state-change',
      headers: { 'x-delivery-id': 'd3f7b1e2-8c4a-4f5d-9e6b-0a1b2c3d4e5f' },
      body: {
        data: {
          resource: { type: 'transfer', id: 111, profile_id: 222, account_id: 333 },
          current_state: 'funds_refunded',
          previous_state: 'processing',
          occurred_at: '2020-01-01T12:34:56Z',
        },
        subscription_id: '01234567-89ab-cdef-0123-456789abcdef',
        event_type: 'transfers#state-change',
        schema_version: '2.0.0',
        sent_at: '2020-01-01T12:34:56Z',
      },
    },
  ],
}
