import type { Preset } from './preset.ts'

export const twilio: Preset = {
  name: 'twilio',
  title: 'Twilio',
  docs: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
  evidence: {
    checked: 'vector',
    source: "Validating requests, and tests of Twilio's SDK",
    url: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
  },
  schemes: [
    { name: 'json', when: { query: 'bodySHA256' }, verify: { scheme: 'twilio' } },
    { name: 'form', verify: { scheme: 'twilio' } },
  ],
  deliveryId: { header: 'i-twilio-idempotency-token' },
  idCovered: false,
  bodyCovered: true,
  type: {
    first: [
      { join: [{ text: 'message' }, { body: 'MessageStatus' }], every: true },
      { join: [{ text: 'message' }, { body: 'SmsStatus' }], every: true },
      { join: [{ text: 'call' }, { body: 'CallStatus' }], every: true },
      { body: 'EventType' },
      { body: 'type' },
    ],
  },
  defaultType: 'request',
  patienceMs: 15_000,
  keep: ['i-twilio-idempotency-token', 'user-agent'],
  secret: 'The auth token of the account',
  samples: [
    {
      type: 'message.received',
      contentType: 'application/x-www-form-urlencoded; charset=UTF-8',
      headers: { 'i-twilio-idempotency-token': '7ab7a6e3-5d1c-4b18-9c0f-0d3d8f6d4b7a' },
      body: 'ToCountry=DE&SmsMessageSid=SM1f0e8ae6ade43cb3c0ce4525424e404f&NumMedia=0&SmsStatus=received&Body=Database+is+down%21&To=%2B4915735981234&From=%2B4915735985678&AccountSid=AC00000000000000000000000000000000&ApiVersion=2010-04-01',
    },
    {
      type: 'com.twilio.voice.insights.call-summary.complete',
      headers: { 'i-twilio-idempotency-token': '0c0f57c7-3a2f-43bd-a1b8-9d0a8b5f3b0e' },
      body: {
        specversion: '1.0',
        type: 'com.twilio.voice.insights.call-summary.complete',
        id: 'EZ00000000000000000000000000000000',
        data: { call_sid: 'CA00000000000000000000000000000000', duration: 42 },
      },
    },
  ],
}
