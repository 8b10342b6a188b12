import type { Preset } from './preset.ts'

export const sendgrid: Preset = {
  name: 'sendgrid',
  title: 'Twilio SendGrid',
  docs: 'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features',
  evidence: {
    checked: 'vector',
    source: 'Tests of sendgrid-nodejs, eventwebhook',
    url: 'https://github.com/sendgrid/sendgrid-nodejs',
  },
  schemes: [
    {
      name: 'ecdsa',
      verify: {
        scheme: 'ecdsa',
        header: 'x-twilio-email-event-webhook-signature',
        encoding: 'base64',
        timestamp: { header: 'x-twilio-email-event-webhook-timestamp', unit: 's' },
        template: '{timestamp}{body}',
        tolerance: '5m',
      },
    },
  ],
  // One request holds many events: its id is made of all of theirs.
  deliveryId: { body: '*.sg_event_id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: '0.event' },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret:
    'The verification key (base64): Settings, Mail Settings, Event Webhook, Signature Verification',
  samples: [
    {
      type: 'bounce',
      contentType: 'application/json',
      body: '[{"email":"ada@example.com","event":"bounce","reason":"552 5.2.2 mailbox full","sg_event_id":"Ym91bmNlLTAtMTk5NDIxMTItcU53QkxnUEFR","sg_message_id":"qNwBLgPQQjW6DJvKQwSAbw.filterdrecv","status":"5.2.2","timestamp":1619651154,"type":"blocked"}]\r\n',
    },
  ],
}
