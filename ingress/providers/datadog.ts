import type { Preset } from './preset.ts'

export const datadog: Preset = {
  name: 'datadog',
  title: 'Datadog',
  docs: 'https://docs.datadoghq.com/integrations/webhooks/',
  evidence: {
    checked: 'none',
    source: 'Webhooks integration, Authentication',
    url: 'https://docs.datadoghq.com/integrations/webhooks/',
  },
  schemes: [
    {
      name: 'basic',
      when: { header: 'authorization', begins: 'basic ' },
      secrets: { contains: ':' },
      verify: { scheme: 'basic' },
    },
    { name: 'bearer', verify: { scheme: 'bearer' } },
  ],
  deliveryId: { body: 'id' },
  idCovered: false,
  bodyCovered: false,
  type: { first: [{ body: 'event_type' }, { body: 'alert_transition' }] },
  defaultType: 'alert',
  patienceMs: 15000,
  keep: ['user-agent'],
  secret:
    'user:password, written into the URL of the webhook, or the token of a custom header Authorization: Bearer …',
  notes: [
    'Datadog signs nothing: the credential itself comes with each request.',
    'The body is what you wrote as the payload of the webhook.',
  ],
  samples: [
    {
      type: 'query_alert_monitor',
      body: {
        id: '8219530521735420',
        event_type: 'query_alert_monitor',
        alert_id: '1234',
        alert_transition: 'Triggered',
        alert_type: 'error',
        title: '[Triggered] Errors of checkout are high',
        body: 'More than 5 % of requests fail',
        priority: 'P1',
        date: '1728000000000',
        org: { id: '11023', name: 'Acme' },
        tags: 'service:checkout,env:production',
        link: 'https://app.datadoghq.com/event/event?id=8219530521735420',
      },
    },
  ],
}
