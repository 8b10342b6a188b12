import type { Pick } from '../verifiers/pick.ts'
import type { Preset, PresetScheme } from './preset.ts'

const version = 'x-hubspot-signature-version'

const digest = (template: string): PresetScheme['verify'] => ({
  scheme: 'hmac',
  construction: 'prefix',
  header: 'x-hubspot-signature',
  template,
})

const idOf = (at: string): Pick => ({
  join: ['eventId', 'subscriptionId', 'occurredAt'].map((field) => ({ body: at + field })),
  with: ':',
  every: true,
})

export const hubspot: Preset = {
  name: 'hubspot',
  title: 'HubSpot',
  docs: 'https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation',
  evidence: {
    checked: 'library',
    source: '@hubspot/api-client 13.5.0, Signature.isValid',
    url: 'https://github.com/HubSpot/hubspot-api-nodejs',
  },
  schemes: [
    {
      name: 'v3',
      when: { header: 'x-hubspot-signature-v3' },
      verify: {
        scheme: 'hmac',
        header: 'x-hubspot-signature-v3',
        encoding: 'base64',
        timestamp: { header: 'x-hubspot-request-timestamp', unit: 'ms' },
        // The page decodes some characters of the URL before it is signed, the SDK does not.
        template: ['{method}{url:decoded}{body}{timestamp}', '{method}{url}{body}{timestamp}'],
        tolerance: '5m',
      },
    },
    {
      name: 'v2',
      when: { header: version, equals: 'v2' },
      verify: {
        ...digest('{method}{url}{body}'),
        require: [{ header: version, equals: 'v2' }],
      },
    },
    {
      name: 'v1',
      when: { header: version, equals: 'v1' },
      verify: { ...digest('{body}'), require: [{ header: version, equals: 'v1' }] },
    },
    // Older accounts name no version; one that we do not know is never taken for v1.
    { name: 'v1-unnamed', when: { without: version }, verify: digest('{body}') },
  ],
  // An eventId alone is not promised to be unique; attemptNumber is what differs when it is sent again.
  deliveryId: { first: [idOf('*.'), idOf('')] },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: '0.subscriptionType' }, { body: 'subscriptionType' }] },
  defaultType: 'event',
  patienceMs: 5_000,
  keep: ['user-agent'],
  secret: 'The client secret of the app; PUBLIC_URL must be the URL that HubSpot calls',
  samples: [
    {
      type: 'contact.creation',
      body: [
        {
          eventId: 100,
          subscriptionId: 71234,
          portalId: 62515,
          occurredAt: 1564113600000,
          subscriptionType: 'contact.creation',
          attemptNumber: 0,
          objectId: 123,
          changeSource: 'CRM',
        },
      ],
    },
  ],
}
