import type { Preset } from './preset.ts'

export const cloudflare: Preset = {
  name: 'cloudflare',
  title: 'Cloudflare Notifications',
  docs: 'https://developers.cloudflare.com/notifications/get-started/configure-webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Configure webhooks; the API, secret of a webhook',
    url: 'https://developers.cloudflare.com/notifications/get-started/configure-webhooks/',
  },
  schemes: [{ name: 'secret', verify: { scheme: 'token', header: 'cf-webhook-auth' } }],
  idCovered: false,
  bodyCovered: false,
  type: { body: 'alert_type' },
  defaultType: 'notification',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret that you gave the webhook: Notifications, Destinations, Webhooks',
  notes: ['Cloudflare signs nothing here: the secret itself comes with each request.'],
  samples: [
    {
      type: 'http_alert_origin_error',
      body: {
        name: 'Origin errors',
        text: 'An increase of 5xx answers of shop.example.com was seen',
        alert_type: 'http_alert_origin_error',
        ts: 1728000000,
        account_id: '699d98642c564d2e855e9661899b7252',
        policy_id: '0da2b59ef118439d8097bdfb215203c9',
        data: { zone_name: 'example.com' },
      },
    },
  ],
}
