import type { Preset } from './preset.ts'

export const zoom: Preset = {
  name: 'zoom',
  title: 'Zoom',
  docs: 'https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events',
  evidence: {
    checked: 'documentation',
    source: 'Verify webhook events',
    url: 'https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events',
  },
  schemes: [
    {
      name: 'v0',
      verify: {
        scheme: 'hmac',
        header: 'x-zm-signature',
        prefix: 'v0=',
        timestamp: { header: 'x-zm-request-timestamp', unit: 's' },
        template: 'v0:{timestamp}:{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { header: 'x-zm-trackingid' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 3_000,
  keep: ['x-zm-trackingid', 'clientid', 'user-agent'],
  handshakes: [
    {
      kind: 'body',
      when: { event: 'endpoint.url_validation' },
      reply: {
        json: {
          plainToken: { body: 'payload.plainToken' },
          encryptedToken: { hmac: 'payload.plainToken' },
        },
      },
    },
  ],
  secret: 'The secret token of the app: Features, Access, Token',
  samples: [
    {
      type: 'meeting.started',
      headers: { 'x-zm-trackingid': 'v=2.0;clid=us02;rid=WEB_0d2c8ba5c2f4' },
      body: {
        event: 'meeting.started',
        event_ts: 1626230691572,
        payload: {
          account_id: 'AAAAAABBBB',
          object: {
            id: '1234567890',
            uuid: '4444AAAiAAAAAiAiAiiAii==',
            host_id: 'x1yCzABCDEfg23HiJKl4mN',
            topic: 'Incident bridge',
            type: 8,
            start_time: '2021-07-13T21:44:51Z',
            timezone: 'Europe/Berlin',
          },
        },
      },
    },
  ],
}
