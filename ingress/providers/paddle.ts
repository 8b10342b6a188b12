import type { Preset } from './preset.ts'

export const paddle: Preset = {
  name: 'paddle',
  title: 'Paddle',
  docs: 'https://developer.paddle.com/webhooks/signature-verification',
  evidence: {
    checked: 'library',
    source: '@paddle/paddle-node-sdk 3.10.0, webhooks.isSignatureValid',
    url: 'https://github.com/PaddleHQ/paddle-node-sdk',
  },
  schemes: [
    {
      name: 'h1',
      verify: {
        scheme: 'hmac',
        header: 'paddle-signature',
        list: { separator: ';', key: 'h1' },
        timestamp: { key: 'ts', unit: 's' },
        template: '{timestamp}:{body}',
        tolerance: '5s',
      },
    },
  ],
  deliveryId: { first: [{ body: 'event_id' }, { body: 'notification_id' }] },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event_type' },
  defaultType: 'event',
  patienceMs: 5_000,
  keep: ['user-agent'],
  secret: 'The endpoint secret key of the notification destination, pdl_ntfset_…',
  samples: [
    {
      type: 'subscription.past_due',
      body: {
        event_id: 'evt_01hv8x2acma2gz7he8kg2s0hnh',
        event_type: 'subscription.past_due',
        occurred_at: '2024-04-12T10:18:49.738972Z',
        notification_id: 'ntf_01hv8x2ag8mw7h8sbw1fk9bn2k',
        data: {
          id: 'sub_01hv8x29kz0t586xy6zn1a62ny',
          status: 'past_due',
          customer_id: 'ctm_01hv6y1jedq4p1n0yqn5ba3ky4',
          currency_code: 'USD',
        },
      },
    },
  ],
}
