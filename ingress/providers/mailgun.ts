import type { Preset } from './preset.ts'

export const mailgun: Preset = {
  name: 'mailgun',
  title: 'Mailgun',
  docs: 'https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Securing webhooks',
    url: 'https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks',
  },
  // Nothing but time and token is signed: event-data is only as trustworthy as the transport.
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        signatureBody: 'signature.signature',
        timestamp: { body: 'signature.timestamp', unit: 's' },
        template: '{timestamp}{body:signature.token}',
        tolerance: '5m',
        require: [{ body: 'signature.token', length: 50 }],
      },
    },
  ],
  deliveryId: { body: 'signature.token' },
  idCovered: true,
  bodyCovered: false,
  type: { body: 'event-data.event' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret: 'The HTTP webhook signing key: Settings, API Security',
  notes: [
    'Only time and token are signed: event-data is only as trustworthy as the transport, and whoever sees one request can send another event with its token once more within the tolerance, which the token tells as a copy.',
    'Time and token stand side by side with nothing between them; the token has to be 50 characters, so that no digit can move.',
  ],
  samples: [
    {
      type: 'failed',
      body: {
        signature: { timestamp: '1529006854', token: '', signature: '' },
        'event-data': {
          id: 'G9Bn5sl1TC6nu79C8C0bwg',
          event: 'failed',
          severity: 'permanent',
          reason: 'suppress-bounce',
          timestamp: 1521233195.375624,
          recipient: 'ada@example.com',
          'delivery-status': {
            code: 605,
            description: 'Not delivering to previously bounced address',
          },
        },
      },
    },
  ],
}
