import type { Preset } from './preset.ts'

export const close: Preset = {
  name: 'close',
  title: 'Close',
  docs: 'https://developer.close.com/topics/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Webhook signatures',
    url: 'https://developer.close.com/topics/webhooks/',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'close-sig-hash',
        secretEncoding: 'hex',
        timestamp: { header: 'close-sig-timestamp', unit: 's' },
        template: '{timestamp}{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { body: 'event.id' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'event.object_type' }, { body: 'event.action' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The signature_key of the webhook subscription, in hex',
  notes: [
    'Time and body stand side by side with nothing between them; a body that is an object lends no digit to the time.',
  ],
  samples: [
    {
      type: 'lead.created',
      body: {
        event: {
          id: 'ev_2sYKRjcrA79yKxi3S4Crd7',
          object_type: 'lead',
          action: 'created',
          object_id: 'lead_zwqYhEFwzPyfCErS8uQ77is2wFLvr9BgVi6cTfbFM68',
          lead_id: 'lead_zwqYhEFwzPyfCErS8uQ77is2wFLvr9BgVi6cTfbFM68',
          date_created: '2019-01-15T12:48:23.395000',
          data: { name: 'Example Ltd' },
        },
        subscription_id: 'whsub_123',
      },
    },
  ],
}
