import type { Preset } from './preset.ts'

export const crisp: Preset = {
  name: 'crisp',
  title: 'Crisp',
  docs: 'https://docs.crisp.chat/guides/web-hooks/',
  evidence: {
    checked: 'library',
    source: 'crisp-api 11.3.0, verifyWidget and verifyHook',
    url: 'https://github.com/crisp-im/node-crisp-api',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-crisp-signature',
        timestamp: { header: 'x-crisp-request-timestamp', unit: 'ms' },
        template: '[{timestamp};{body}]',
        tolerance: '1h',
      },
    },
  ],
  idCovered: false,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 5000,
  keep: ['x-crisp-delivery-id', 'user-agent'],
  secret: 'The signing secret of the web hook or of the plugin',
  notes: ['Crisp names no tolerance: the tolerance is an hour.'],
  samples: [
    {
      type: 'message:send',
      body: {
        website_id: '42286ab3-b29a-4fde-8538-da0ae501d825',
        event: 'message:send',
        data: {
          type: 'text',
          origin: 'chat',
          content: 'Is the service down?',
          timestamp: 1632396148646,
          fingerprint: 163239614854320,
          website_id: '42286ab3-b29a-4fde-8538-da0ae501d825',
          session_id: 'session_36ba3566-9651-4790-afc8-ffedbccc317f',
          user: { nickname: 'visitor607' },
          from: 'user',
        },
        timestamp: 1632396148743,
      },
    },
  ],
}
