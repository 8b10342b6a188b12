import type { Preset } from './preset.ts'

export const hookdeck: Preset = {
  name: 'hookdeck',
  title: 'Hookdeck',
  docs: 'https://hookdeck.com/docs/authentication#hookdeck-webhook-signature-verification',
  evidence: {
    checked: 'documentation',
    source: 'Authentication, Webhook signature verification',
    url: 'https://hookdeck.com/docs/authentication#hookdeck-webhook-signature-verification',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: ['x-hookdeck-signature', 'x-hookdeck-signature-2'],
        encoding: 'base64',
      },
    },
  ],
  deliveryId: { header: 'x-hookdeck-eventid' },
  idCovered: false,
  bodyCovered: true,
  type: { first: [{ body: 'type' }, { body: 'event' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: [
    'x-hookdeck-eventid',
    'x-hookdeck-requestid',
    'x-hookdeck-source-name',
    'x-hookdeck-attempt-count',
    'user-agent',
  ],
  secret: 'The signing secret of the project: Settings, Project, Secrets',
  notes: [
    'The event is that of the source behind Hookdeck; for what it means, name its type in verify.type.',
  ],
  samples: [
    {
      type: 'order.created',
      headers: {
        'x-hookdeck-eventid': 'evt_2g7np7Hrk0SN6kj5',
        'x-hookdeck-source-name': 'shop',
        'x-hookdeck-attempt-count': '1',
      },
      body: { type: 'order.created', data: { id: 'ord_1042', total: 4900 } },
    },
  ],
}
