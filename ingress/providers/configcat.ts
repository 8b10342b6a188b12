import type { Preset } from './preset.ts'

export const configcat: Preset = {
  name: 'configcat',
  title: 'ConfigCat',
  docs: 'https://configcat.com/docs/advanced/notifications-webhooks/',
  evidence: {
    checked: 'documentation',
    source: "ConfigCat's own receiver, configcat-proxy",
    url: 'https://github.com/configcat/configcat-proxy',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-configcat-webhook-signature-v1',
        encoding: 'base64',
        list: { separator: ',' },
        timestamp: { header: 'x-configcat-webhook-timestamp', unit: 's' },
        template: '{header:x-configcat-webhook-id}{timestamp}{body}',
        tolerance: '5m',
        require: [{ header: 'x-configcat-webhook-id' }],
      },
    },
  ],
  deliveryId: { header: 'x-configcat-webhook-id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'config.changed',
  patienceMs: 10000,
  keep: ['x-configcat-webhook-id', 'x-configcat-webhook-timestamp', 'user-agent'],
  secret: 'A signing key of the webhook: Webhooks, Webhook signing keys',
  notes: [
    'Id, time and body stand side by side with nothing between them; the time is read strictly and has to be near, so that no digit can move.',
    'The body is what you wrote into the webhook.',
  ],
  samples: [
    {
      type: 'config.changed',
      body: {
        configName: 'Main',
        environmentName: 'Production',
        changedBy: 'ada@example.com',
        settings: ['newCheckout'],
      },
    },
  ],
}
