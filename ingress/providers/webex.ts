import type { Preset } from './preset.ts'

export const webex: Preset = {
  name: 'webex',
  title: 'Webex',
  docs: 'https://developer.webex.com/docs/api/guides/webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Handling requests, X-Spark-Signature',
    url: 'https://developer.webex.com/docs/api/guides/webhooks',
  },
  schemes: [
    { name: 'sha1', verify: { scheme: 'hmac', header: 'x-spark-signature', algorithm: 'sha1' } },
  ],

  idCovered: false,
  bodyCovered: true,
  type: { join: [{ body: 'resource' }, { body: 'event' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['trackingid', 'user-agent'],
  secret: 'The secret that you gave when the webhook was made',
  notes: [
    'A message or a room may change often with the same id, so no id of the body tells a delivery; a digest of what was signed does.',
    'The HMAC is made with SHA-1.',
  ],
  samples: [
    {
      type: 'messages.created',
      body: {
        id: 'Y2lzY29zcGFyazovL3VzL1dFQkhPT0svZjRlNjA1NjAtNjYwMi00ZmIwLWEyNWEtOTQ5ODgxNjA5NDk3',
        name: 'Messages of the incident room',
        resource: 'messages',
        event: 'created',
        orgId: 'OTZhYmMyYWEtM2RjYy0xMWU1LWExNTItZmUzNDgxOWNkYzlh',
        actorId: 'Y2lzY29zcGFyazovL3VzL1BFT1BMRS9mNWIzNjE4Ny1jOGRkLTQ3MjctOGIyZi1mOWM0NDdmMjkwNDY',
        data: {
          id: 'Y2lzY29zcGFyazovL3VzL01FU1NBR0UvOTJkYjNiZTAtNDNiZC0xMWU2LThhZTktZGQ1YjNkZmM1NjVk',
          roomId: 'Y2lzY29zcGFyazovL3VzL1JPT00vYmJjZWIxYWQtNDNmMS0zYjU4LTkxNDctZjE0YmIwYzRkMTU0',
          personEmail: 'ada@example.com',
          created: '2015-10-18T14:26:16.000Z',
        },
      },
    },
  ],
}
