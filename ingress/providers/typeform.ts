import type { Preset } from './preset.ts'

export const typeform: Preset = {
  name: 'typeform',
  title: 'Typeform',
  docs: 'https://www.typeform.com/developers/webhooks/secure-your-webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Secure your webhooks',
    url: 'https://www.typeform.com/developers/webhooks/secure-your-webhooks/',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'typeform-signature',
        prefix: 'sha256=',
        encoding: 'base64',
      },
    },
  ],
  deliveryId: { body: 'event_id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event_type' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook: Connect, Webhooks, Edit',
  samples: [
    {
      type: 'form_response',
      body: {
        event_id: 'LtWXD3crgy',
        event_type: 'form_response',
        form_response: {
          form_id: 'lT4Z3j',
          token: 'a3a12ec67a1365927098a606107fac15',
          submitted_at: '2018-01-18T18:17:02Z',
          answers: [{ type: 'text', text: 'The app crashes on start' }],
        },
      },
    },
  ],
}
