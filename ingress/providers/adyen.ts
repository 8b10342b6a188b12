import type { Preset } from './preset.ts'

const item = 'notificationItems.*.NotificationRequestItem'

export const adyen: Preset = {
  name: 'adyen',
  title: 'Adyen',
  docs: 'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures',
  evidence: {
    checked: 'vector',
    source: "Adyen's HMAC validation examples and API libraries",
    url: 'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures',
  },
  schemes: [
    {
      name: 'banking',
      when: { header: 'hmacsignature' },
      signs: { withoutBody: 'notificationItems.*.NotificationRequestItem.eventCode' },
      verify: {
        scheme: 'hmac',
        header: 'hmacsignature',
        encoding: 'base64',
        secretEncoding: 'hex',
      },
      bodyCovered: true,
    },
    // Eight fields of each item are signed; the rest is only as trustworthy as the transport.
    { name: 'standard', verify: { scheme: 'adyen' } },
  ],
  deliveryId: {
    join: [
      { body: `${item}.pspReference` },
      { body: `${item}.eventCode` },
      { body: `${item}.success` },
    ],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: false,
  type: {
    first: [{ body: 'notificationItems.0.NotificationRequestItem.eventCode' }, { body: 'type' }],
  },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['user-agent'],
  secret: 'The HMAC key of the webhook, in hex: Developers, Webhooks, HMAC Key',
  notes: [
    'Items are signed one by one: of items that were sent in several requests, whoever has them can make a request that is new. Adyen sends one in each.',
    'Of standard webhooks eight fields of each item are signed; the rest, and everything outside the items, is only as trustworthy as the transport.',
  ],
  samples: [
    {
      type: 'AUTHORISATION',
      body: {
        live: 'false',
        notificationItems: [
          {
            NotificationRequestItem: {
              additionalData: { authCode: '1234', cardSummary: '7777' },
              amount: { currency: 'EUR', value: 1130 },
              pspReference: '7914073381342284',
              originalReference: '',
              eventCode: 'AUTHORISATION',
              eventDate: '2019-05-06T17:15:34.121+02:00',
              merchantAccountCode: 'TestMerchant',
              merchantReference: 'TestPayment-1407325143704',
              paymentMethod: 'visa',
              success: 'true',
            },
          },
        ],
      },
    },
    {
      type: 'balancePlatform.accountHolder.created',
      body: {
        type: 'balancePlatform.accountHolder.created',
        environment: 'test',
        timestamp: '2024-12-15T15:42:03+01:00',
        data: {
          balancePlatform: 'AcmePlatform',
          accountHolder: { id: 'AH00000000000000000000001' },
        },
      },
    },
  ],
}
