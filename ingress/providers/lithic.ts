import type { Preset } from './preset.ts'

export const lithic: Preset = {
  name: 'lithic',
  title: 'Lithic',
  docs: 'https://docs.lithic.com/docs/events-api',
  evidence: {
    checked: 'library',
    source: 'lithic 0.145.0, webhooks.verifySignature',
    url: 'https://github.com/lithic-com/lithic-node',
  },
  schemes: [
    { name: 'v1', verify: { scheme: 'standard-webhooks', headers: ['webhook'], tolerance: '5m' } },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event_type' },
  defaultType: 'event',
  patienceMs: 15000,
  keep: ['webhook-id', 'webhook-timestamp', 'user-agent'],
  secret: 'The secret of the event subscription, whsec_…',
  samples: [
    {
      type: 'card.created',
      body: {
        event_type: 'card.created',
        card_token: '7ef7d65c-9023-4da3-b113-3b8583fd7951',
        replacement_for: null,
      },
    },
  ],
}
