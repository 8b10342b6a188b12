import type { Preset } from './preset.ts'

export const standardWebhooks: Preset = {
  name: 'standard-webhooks',
  aliases: ['svix'],
  title: 'Standard Webhooks, Svix',
  docs: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  evidence: {
    checked: 'vector',
    source: 'Standard Webhooks and its test vector; standardwebhooks and svix, both ways',
    url: 'https://github.com/standard-webhooks/standard-webhooks',
  },
  schemes: [
    {
      name: 'v1',
      verify: { scheme: 'standard-webhooks', headers: ['webhook', 'svix'], tolerance: '5m' },
    },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'type' }, { body: 'event_type' }, { body: 'event' }] },
  defaultType: 'event',
  patienceMs: 15_000,
  keep: ['webhook-id', 'webhook-timestamp', 'svix-id', 'svix-timestamp', 'user-agent'],
  secret: 'The signing secret of the endpoint, whsec_… (v1), or its public key, whpk_… (v1a)',
  samples: [
    {
      type: 'user.created',
      body: {
        type: 'user.created',
        timestamp: '2022-11-03T20:26:10.344522Z',
        data: { id: '1f81eb52-5198-4599-803e-771906343485', email: 'ada@example.com' },
      },
    },
  ],
}
