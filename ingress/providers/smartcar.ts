import type { Preset } from './preset.ts'

export const smartcar: Preset = {
  name: 'smartcar',
  title: 'Smartcar',
  docs: 'https://smartcar.com/docs/integrations/webhooks/payload-verification',
  evidence: {
    checked: 'library',
    source: 'smartcar 10.4.0, verifyPayload and hashChallenge',
    url: 'https://github.com/smartcar/node-sdk',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'sc-signature' } }],
  deliveryId: { first: [{ body: 'eventId' }, { body: 'meta.deliveryId' }] },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'eventType' }, { body: 'eventName' }] },
  defaultType: 'event',
  patienceMs: 15000,
  keep: ['user-agent'],
  handshakes: [
    {
      kind: 'body',
      when: { eventType: 'VERIFY' },
      reply: { json: { challenge: { hmac: 'data.challenge' } } },
    },
    {
      kind: 'body',
      when: { eventName: 'verify' },
      reply: { json: { challenge: { hmac: 'payload.challenge' } } },
    },
  ],
  secret: 'The application management token: Dashboard, Configuration',
  samples: [
    {
      type: 'VEHICLE_STATE',
      body: {
        eventId: '52f6e0bb-1369-45da-a61c-9e67d092d6dc',
        eventType: 'VEHICLE_STATE',
        data: {
          vehicle: {
            id: '36ab27d0-fd9d-4455-823a-ce30af709ffc',
            make: 'TESLA',
            model: 'Model 3',
            year: 2019,
          },
          signals: [{ code: 'tractionbattery-stateofcharge', value: 17 }],
        },
        meta: {
          version: '4.0',
          webhookId: '5a8e5e38-1e12-4011-a36d-56f120053f9e',
          deliveryId: '5d569643-3a47-4cd1-a3ec-db5fc1f6f03c',
          deliveredAt: '2025-07-31T19:38:42.332Z',
          mode: 'LIVE',
        },
      },
    },
  ],
}
