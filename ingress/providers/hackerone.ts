import type { Preset } from './preset.ts'

export const hackerone: Preset = {
  name: 'hackerone',
  title: 'HackerOne',
  docs: 'https://docs.hackerone.com/en/articles/8491396-webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Validating payloads',
    url: 'https://docs.hackerone.com/en/articles/8491396-webhooks',
  },
  schemes: [
    { name: 'sha256', verify: { scheme: 'hmac', header: 'x-h1-signature', prefix: 'sha256=' } },
  ],
  deliveryId: { header: 'x-h1-delivery' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'x-h1-event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-h1-event', 'x-h1-delivery', 'user-agent'],
  secret: 'The secret of the webhook: program settings, Automation, Webhooks',
  notes: ['The type of the event stands in a header alone, which the signature does not cover.'],
  samples: [
    {
      type: 'report_created',
      headers: {
        'x-h1-event': 'report_created',
        'x-h1-delivery': '04dec7b5-9d24-4e0a-9a8c-8e4a3a1d0c1b',
      },
      body: {
        data: {
          activity: { type: 'activity-bug-filed', id: '1337' },
          report: {
            type: 'report',
            id: '1337',
            attributes: {
              title: 'XSS in login form',
              state: 'new',
              created_at: '2016-02-02T04:05:06.000Z',
            },
            relationships: {
              severity: { data: { type: 'severity', attributes: { rating: 'high' } } },
            },
          },
        },
      },
    },
  ],
}
