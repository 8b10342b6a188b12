import type { Preset } from './preset.ts'

export const okta: Preset = {
  name: 'okta',
  title: 'Okta event hooks',
  docs: 'https://developer.okta.com/docs/concepts/event-hooks/',
  evidence: {
    checked: 'documentation',
    source: 'Event hooks, Verify ownership and authentication',
    url: 'https://developer.okta.com/docs/concepts/event-hooks/',
  },
  schemes: [{ name: 'authorization', verify: { scheme: 'token', header: 'authorization' } }],
  deliveryId: { body: 'eventId' },
  idCovered: false,
  bodyCovered: false,
  type: { first: [{ body: 'data.events.0.eventType' }, { body: 'eventType' }] },
  defaultType: 'event',
  patienceMs: 3_000,
  keep: ['user-agent'],
  handshakes: [{ kind: 'header', header: 'x-okta-verification-challenge', reply: 'verification' }],
  secret:
    'The authentication secret of the event hook, whose authentication field is Authorization',
  notes: ['Okta signs nothing: the secret itself comes with each request.'],
  samples: [
    {
      type: 'user.session.start',
      body: {
        eventType: 'com.okta.event_hook',
        eventTypeVersion: '1.0',
        cloudEventsVersion: '0.1',
        eventId: 'b5a188b9-5ece-4636-b041-482ffda96311',
        eventTime: '2019-03-27T16:59:53.032Z',
        source: 'https://example.okta.com/api/v1/eventHooks/who8vt36qfNpCGz9H1e6',
        data: {
          events: [
            {
              uuid: 'dc3f5ae9-5d5b-11e9-8b0c-9f1a0c0a0f2d',
              eventType: 'user.session.start',
              displayMessage: 'User login to Okta',
              severity: 'INFO',
              outcome: { result: 'SUCCESS' },
            },
          ],
        },
      },
    },
  ],
}
