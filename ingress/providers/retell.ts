import type { Preset } from './preset.ts'

export const retell: Preset = {
  name: 'retell',
  title: 'Retell AI',
  docs: 'https://docs.retellai.com/features/secure-webhook',
  evidence: {
    checked: 'library',
    source: 'retell-sdk 5.66.1, verify and sign',
    url: 'https://github.com/RetellAI/retell-typescript-sdk',
  },
  schemes: [
    {
      name: 'v',
      verify: {
        scheme: 'hmac',
        header: 'x-retell-signature',
        list: { separator: ',', key: 'd' },
        timestamp: { key: 'v', unit: 'ms' },
        template: '{body}{timestamp}',
        tolerance: '5m',
      },
    },
  ],

  idCovered: false,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The API key of the workspace that is marked for webhooks',
  notes: [
    'Body and time stand side by side with nothing between them; only a body that ends in digits could borrow some, and JSON objects do not.',
  ],
  samples: [
    {
      type: 'call_ended',
      body: {
        event: 'call_ended',
        call: {
          call_type: 'phone_call',
          call_id: 'Jabr9TXYYJHfvl6Syypi88rdAHYHmcq6',
          agent_id: 'oBeDLoLOeuAbiuaMFXRtDOLriTJ5tSxD',
          call_status: 'ended',
          direction: 'inbound',
          start_timestamp: 1714608475945,
          end_timestamp: 1714608491736,
          disconnection_reason: 'user_hangup',
        },
      },
    },
  ],
}
