import type { Preset } from './preset.ts'

export const elevenlabs: Preset = {
  name: 'elevenlabs',
  title: 'ElevenLabs',
  docs: 'https://elevenlabs.io/docs/overview/administration/webhooks',
  evidence: {
    checked: 'library',
    source: '@elevenlabs/elevenlabs-js 2.73.0, webhooks.constructEvent',
    url: 'https://github.com/elevenlabs/elevenlabs-js',
  },
  schemes: [
    {
      name: 'v0',
      verify: {
        scheme: 'hmac',
        header: 'elevenlabs-signature',
        list: { separator: ',', key: 'v0' },
        timestamp: { key: 't', unit: 's' },
        template: '{timestamp}.{body}',
        tolerance: '30m',
      },
    },
  ],
  deliveryId: {
    join: [{ body: 'type' }, { body: 'data.conversation_id' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The shared secret of the webhook: Developers, Webhooks',
  samples: [
    {
      type: 'post_call_transcription',
      body: {
        type: 'post_call_transcription',
        event_timestamp: 1739537297,
        data: {
          agent_id: 'agent_a8d3c4e0',
          conversation_id: 'conv_8f3d1b9c',
          status: 'done',
          transcript: [{ role: 'agent', message: 'How may I help?' }],
          metadata: { call_duration_secs: 42 },
          analysis: { call_successful: 'success' },
        },
      },
    },
  ],
}
