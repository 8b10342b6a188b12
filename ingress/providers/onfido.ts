import type { Preset } from './preset.ts'

export const onfido: Preset = {
  name: 'onfido',
  title: 'Onfido',
  docs: 'https://documentation.onfido.com/api/latest/#webhook-security',
  evidence: {
    checked: 'vector',
    source: 'Tests of onfido-node, WebhookEventVerifier',
    url: 'https://github.com/onfido/onfido-node',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-sha2-signature' } }],
  deliveryId: {
    join: [
      { body: 'payload.action' },
      { body: 'payload.object.id' },
      { body: 'payload.object.completed_at_iso8601' },
    ],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'payload.action' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The token of the webhook, which the API gives once when it is made',
  samples: [
    {
      type: 'check.completed',
      body: {
        payload: {
          resource_type: 'check',
          action: 'check.completed',
          object: {
            id: '5345badd-f4bf-4240-9f3b-ffb998bda09e',
            status: 'complete',
            completed_at_iso8601: '2019-10-28T15:00:39Z',
            href: 'https://api.onfido.com/v3.6/checks/5345badd-f4bf-4240-9f3b-ffb998bda09e',
          },
        },
      },
    },
  ],
}
