import type { Preset } from './preset.ts'

export const calendly: Preset = {
  name: 'calendly',
  title: 'Calendly',
  docs: 'https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures',
  evidence: {
    checked: 'documentation',
    source: 'Webhook signatures',
    url: 'https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'calendly-webhook-signature',
        list: { separator: ',', key: 'v1' },
        timestamp: { key: 't', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '3m',
      },
    },
  ],
  deliveryId: {
    join: [{ body: 'event' }, { body: 'payload.uri' }, { body: 'created_at' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The signing_key that you gave when the webhook subscription was made',
  samples: [
    {
      type: 'invitee.canceled',
      body: {
        event: 'invitee.canceled',
        created_at: '2020-11-23T17:51:19.000000Z',
        created_by: 'https://api.calendly.com/users/AAAAAAAAAAAAAAAA',
        payload: {
          uri: 'https://api.calendly.com/scheduled_events/GBGBDCAADAEDCRZ2/invitees/AAAAAAAAAAAAAAAB',
          email: 'grace@example.com',
          name: 'Grace Example',
          status: 'canceled',
          cancellation: { canceled_by: 'Grace Example', reason: 'Conflict' },
        },
      },
    },
  ],
}
