import type { Preset } from './preset.ts'

export const zitadel: Preset = {
  name: 'zitadel',
  title: 'Zitadel',
  docs: 'https://zitadel.com/docs/guides/integrate/actions/testing-request-signature',
  evidence: {
    checked: 'documentation',
    source: "Zitadel's own source, pkg/actions, signing",
    url: 'https://github.com/zitadel/zitadel',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'zitadel-signature',
        list: { separator: ',', key: 'v1' },
        timestamp: { key: 't', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: {
    join: [{ body: 'aggregateID' }, { body: 'event_type' }, { body: 'sequence' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'event_type' }, { body: 'fullMethod' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The signing key of the target, which the API gives when it is made',
  samples: [
    {
      type: 'user.human.added',
      body: {
        aggregateID: '336494809936035843',
        aggregateType: 'user',
        resourceOwner: '336392597046034435',
        instanceID: '336392597046099971',
        version: 'v2',
        sequence: 1,
        event_type: 'user.human.added',
        created_at: '2025-09-05T08:55:36.156333Z',
        userID: '336392597046755331',
        event_payload: {
          userName: 'ada',
          firstName: 'Ada',
          lastName: 'Example',
          email: 'ada@example.com',
        },
      },
    },
  ],
}
