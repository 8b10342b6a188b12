import { describe, expect, it } from 'vitest'
import { type BatchRecord, verifyRecord } from './debug.ts'

interface Vector {
  readonly title: string
  /** Where the values are published. */
  readonly source: string
  readonly record: BatchRecord
  readonly deliveryId?: string
  readonly type?: string
}

const slackBody =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'

const twilioForm =
  'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212'
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

const sendgridBody = `${JSON.stringify([
  {
    email: 'hello@world.com',
    event: 'dropped',
    reason: 'Bounced Address',
    sg_event_id: 'ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA',
    sg_message_id: 'LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0',
    'smtp-id': '<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>',
    timestamp: 1600112492,
  },
])}\r\n`

const adyenBody = JSON.stringify({
  notificationItems: [
    {
      NotificationRequestItem: {
        pspReference: '7914073381342284',
        merchantAccountCode: 'TestMerchant',
        merchantReference: 'TestPayment-1407325143704',
        amount: { value: 1130, currency: 'EUR' },
        eventCode: 'AUTHORISATION',
        success: 'true',
        additionalData: { hmacSignature: 'coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=' },
      },
    },
  ],
})

const boxBody =
  '{"type":"webhook_event","webhook":{"id":"1234567890"},"trigger":"FILE.UPLOADED","source":{"id":"1234567890","type":"file","name":"Test.txt"}}'
const boxHeaders = {
  'Box-Delivery-Id': 'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f',
  'Box-Delivery-Timestamp': '2020-01-01T00:00:00-07:00',
  'Box-Signature-Algorithm': 'HmacSHA256',
  'Box-Signature-Version': '1',
}

const rfc9421 = {
  provider: 'http-message-signatures',
  method: 'POST',
  url: 'https://example.com/foo?param=Value&Pet=dog',
  body: '{"hello": "world"}',
  at: 1_618_884_473_000,
}
const rfc9421Headers = {
  Date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  'Content-Type': 'application/json',
  'Content-Length': '18',
}

const vectors: readonly Vector[] = [
  {
    title: 'GitHub, Hello World',
    source: 'docs.github.com, Validating webhook deliveries',
    record: {
      provider: 'github',
      secrets: ["It's a Secret to Everybody"],
      headers: {
        'X-Hub-Signature-256':
          'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
      },
      body: 'Hello, World!',
    },
  },
  {
    title: 'Jira, Hello World',
    source: 'developer.atlassian.com, Webhooks',
    record: {
      provider: 'jira',
      secrets: ["It's a Secret to Everybody"],
      headers: {
        'X-Hub-Signature':
          'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9',
      },
      body: 'Hello World!',
    },
  },
  {
    title: 'Slack, slash command',
    source: 'docs.slack.dev, Verifying requests from Slack',
    deliveryId: '398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    record: {
      provider: 'slack',
      secrets: ['8f742231b10e8888abcd99yyyzzz85a5'],
      headers: {
        ...form,
        'X-Slack-Request-Timestamp': '1531420618',
        'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      },
      body: slackBody,
      at: '2018-07-12T18:36:58Z',
    },
  },
  {
    title: 'Standard Webhooks',
    source: 'standard-webhooks/standard-webhooks and docs.svix.com, Verifying payloads',
    deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    record: {
      provider: 'standard-webhooks',
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      headers: {
        'svix-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'svix-timestamp': '1614265330',
        'svix-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: '{"test": 2432232314}',
      at: '2021-02-25T15:02:10Z',
    },
  },
  {
    title: 'Twilio, form',
    source: 'twilio.com, Validating signatures from Twilio, and its SDK',
    record: {
      provider: 'twilio',
      secrets: ['12345'],
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
      headers: { ...form, 'X-Twilio-Signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' },
      body: twilioForm,
    },
  },
  {
    title: 'Twilio, JSON',
    source: 'twilio-node, validateRequestWithBody',
    record: {
      provider: 'twilio',
      secrets: ['12345'],
      url: 'https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620',
      headers: {
        'Content-Type': 'application/json',
        'X-Twilio-Signature': 'a9nBmqA0ju/hNViExpshrM61xv4=',
      },
      body: '{"property": "value", "boolean": true}',
    },
  },
  {
    title: 'Square',
    source: 'developer.squareup.com, Validate notifications',
    record: {
      provider: 'square',
      secrets: ['asdf1234'],
      url: 'https://example.com/webhook',
      headers: { 'X-Square-HmacSha256-Signature': '2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=' },
      body: '{"hello":"world"}',
    },
  },
  {
    title: 'SendGrid, signed event webhook with CRLF',
    source: 'sendgrid-nodejs, eventwebhook',
    type: 'dropped',
    deliveryId: 'ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA',
    record: {
      provider: 'sendgrid',
      secrets: [
        'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
      ],
      headers: {
        'X-Twilio-Email-Event-Webhook-Signature':
          'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=',
        'X-Twilio-Email-Event-Webhook-Timestamp': '1600112502',
      },
      body: sendgridBody,
      at: 1_600_112_502_000,
    },
  },
  ...[
    ['hello world', 'secret', '734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a'],
    [
      'lalala',
      'another-secret',
      'daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00',
    ],
    [
      'an-important-request-payload',
      'hunter123',
      '9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa',
    ],
  ].map(([body = '', secret = '', digest]) => ({
    title: `CircleCI, ${body}`,
    source: 'circleci.com, Validate webhooks',
    record: {
      provider: 'circleci',
      secrets: [secret],
      headers: { 'circleci-signature': `v1=${digest}` },
      body,
    },
  })),
  {
    title: 'Adyen, standard',
    source: "docs.adyen.com and Adyen's API libraries, HMAC validation",
    type: 'AUTHORISATION',
    deliveryId: '7914073381342284:AUTHORISATION:true',
    record: {
      provider: 'adyen',
      secrets: ['44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'],
      body: adyenBody,
    },
  },
  ...[
    ['Primary', '6TfeAW3A1PASkgboxxA5yqHNKOwFyMWuEXny/FPD5hI='],
    ['Secondary', 'v+1CD1Jdo3muIcbpv5lxxgPglOqMfsNHPV899xWYydo='],
  ].map(([which = '', signature = '']) => ({
    title: `Box, ${which} key`,
    source: 'box-python-sdk and box-node-sdk, webhooks',
    type: 'FILE.UPLOADED',
    deliveryId: 'f96bb54b-ee16-4fc5-aa65-8c2d9e5b546f',
    record: {
      provider: 'box',
      secrets: [`Sample${which}Key`],
      headers: { ...boxHeaders, [`Box-Signature-${which}`]: signature },
      body: boxBody,
      at: '2020-01-01T07:05:00Z',
    },
  })),
  {
    title: 'RFC 9421 B.2.5, hmac-sha256',
    source: 'RFC 9421, appendix B.2.5',
    record: {
      ...rfc9421,
      secrets: [
        'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
      ],
      headers: {
        ...rfc9421Headers,
        'Signature-Input':
          'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
        Signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
      },
    },
  },
  {
    title: 'RFC 9421 B.2.6, ed25519',
    source: 'RFC 9421, appendix B.2.6',
    record: {
      ...rfc9421,
      secrets: [
        '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----',
      ],
      headers: {
        ...rfc9421Headers,
        'Signature-Input':
          'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
        Signature:
          'sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:',
      },
    },
  },
]

describe('F50: values that vendors publish', () => {
  it.each(vectors.map((vector) => [vector.title, vector] as const))('%s', async (_, vector) => {
    const result = await verifyRecord(vector.record)
    expect(result).toMatchObject({
      ok: true,
      reason: null,
      step: null,
      ...(vector.type !== undefined && { type: vector.type }),
      ...(vector.deliveryId !== undefined && { deliveryId: vector.deliveryId }),
    })
  })

  it.each(vectors.map((vector) => [vector.title, vector] as const))(
    '%s, with another body or URL',
    async (_, { record }) => {
      const covered = record.provider === 'http-message-signatures'
      const result = await verifyRecord({
        ...record,
        ...(covered
          ? { url: 'https://example.org/bar' }
          : record.body
            ? { body: record.body.replace(/7914073381342284|[a-z](?=[^a-z]*$)/, 'Q') }
            : { url: `${record.url}x` }),
      })
      expect(result.ok).toBe(false)
    },
  )
})
