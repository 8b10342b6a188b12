import type { Preset } from './preset.ts'

export const calcom: Preset = {
  name: 'calcom',
  aliases: ['cal'],
  title: 'Cal.com',
  docs: 'https://cal.com/docs/developing/guides/automation/webhooks',
  evidence: {
    checked: 'documentation',
    source: "Cal.com's own source, sendPayload",
    url: 'https://github.com/calcom/cal.com',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-cal-signature-256' } }],
  deliveryId: {
    join: [{ body: 'triggerEvent' }, { body: 'payload.uid' }, { body: 'createdAt' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'triggerEvent' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook: Settings, Developer, Webhooks',
  notes: [
    'A webhook without a secret sends the header all the same, with a fixed text in it, and is refused.',
    'With a template of your own for the payload, triggerEvent is there only if the template has it.',
  ],
  samples: [
    {
      type: 'BOOKING_CREATED',
      body: {
        triggerEvent: 'BOOKING_CREATED',
        createdAt: '2023-05-24T09:30:00.538Z',
        payload: {
          type: '60min',
          title: '60min between Ada Example and Grace Example',
          uid: 'bFJeNb2uX8ANpT3JL5EfXw',
          bookingId: 91,
          startTime: '2023-05-25T09:30:00Z',
          endTime: '2023-05-25T10:30:00Z',
          status: 'ACCEPTED',
          organizer: { name: 'Ada Example', email: 'ada@example.com', timeZone: 'Europe/Berlin' },
          attendees: [{ name: 'Grace Example', email: 'grace@example.com' }],
        },
      },
    },
  ],
}
