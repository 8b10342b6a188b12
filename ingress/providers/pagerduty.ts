import type { Preset } from './preset.ts'

export const pagerduty: Preset = {
  name: 'pagerduty',
  title: 'PagerDuty',
  docs: 'https://developer.pagerduty.com/docs/verifying-webhook-signatures',
  evidence: {
    checked: 'documentation',
    source: 'Verifying signatures of V3 webhooks',
    url: 'https://developer.pagerduty.com/docs/verifying-webhook-signatures',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'x-pagerduty-signature',
        list: { separator: ',', key: 'v1' },
      },
    },
  ],
  deliveryId: { body: 'event.id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event.event_type' },
  defaultType: 'event',
  patienceMs: 5_000,
  keep: ['x-webhook-id', 'x-webhook-subscription', 'user-agent'],
  secret: 'The secret of the webhook subscription, shown once when it is created',
  samples: [
    {
      type: 'incident.triggered',
      body: {
        event: {
          id: '01BWDWL3NYY7LUFPZCC28QUCMJ',
          event_type: 'incident.triggered',
          resource_type: 'incident',
          occurred_at: '2021-04-26T17:36:27.458Z',
          agent: { id: 'PLH1HKV', summary: 'Tenex Engineer', type: 'user_reference' },
          data: {
            id: 'PGR0VU2',
            type: 'incident',
            number: 2,
            status: 'triggered',
            title: 'Payments: error rate above 5 %',
            urgency: 'high',
            priority: { summary: 'P1' },
            service: { id: 'PF9KMXH', summary: 'Payments' },
          },
        },
      },
    },
  ],
}
