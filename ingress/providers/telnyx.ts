import type { Preset } from './preset.ts'

export const telnyx: Preset = {
  name: 'telnyx',
  title: 'Telnyx',
  docs: 'https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks',
  evidence: {
    checked: 'library',
    source: 'telnyx 7.24.0, TelnyxWebhook',
    url: 'https://github.com/team-telnyx/telnyx-node',
  },
  schemes: [
    {
      name: 'ed25519',
      verify: {
        scheme: 'ed25519',
        header: 'telnyx-signature-ed25519',
        encoding: 'base64',
        timestamp: { header: 'telnyx-timestamp', unit: 's' },
        template: '{timestamp}|{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { body: 'data.id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'data.event_type' },
  defaultType: 'event',
  patienceMs: 5000,
  keep: ['user-agent'],
  secret: 'The public key of the account, in base64: Mission Control, Account, Keys & Credentials',
  samples: [
    {
      type: 'message.received',
      body: {
        data: {
          event_type: 'message.received',
          id: 'b301ed3f-1490-491f-995f-6e64e69674d4',
          occurred_at: '2024-01-15T20:16:07.588Z',
          record_type: 'event',
          payload: {
            direction: 'inbound',
            id: '84cca175-9755-4859-b67f-4730d7f58aa3',
            from: { phone_number: '+13125550001' },
            to: [{ phone_number: '+17735550002' }],
            text: 'Is the service down?',
            type: 'SMS',
          },
        },
        meta: { attempt: 1, delivered_to: 'https://hooks.example.com/in/acme/telnyx' },
      },
    },
  ],
}
