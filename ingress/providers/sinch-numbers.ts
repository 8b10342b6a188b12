import type { Preset } from './preset.ts'

export const sinchNumbers: Preset = {
  name: 'sinch-numbers',
  title: 'Sinch Numbers',
  docs: 'https://developers.sinch.com/docs/numbers/api-reference/numbers-callbacks/',
  evidence: {
    checked: 'vector',
    source: 'Tests of sinch-sdk-node, authorization helper',
    url: 'https://github.com/sinch/sinch-sdk-node',
  },
  schemes: [
    { name: 'sha1', verify: { scheme: 'hmac', header: 'x-sinch-signature', algorithm: 'sha1' } },
  ],
  deliveryId: { body: 'eventId' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'eventType' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The HMAC secret of the callback configuration',
  notes: ['The HMAC is made with SHA-1.'],
  samples: [
    {
      type: 'PROVISIONING_TO_VOICE_PLATFORM',
      body: {
        eventId: '01hpa0mww4m79q8j2dwn3ggbgz',
        timestamp: '2024-02-10T17:22:09.412722588',
        projectId: '37b62a7b-0177-429a-bb0b-e10f848de0b8',
        resourceId: '+17818510001',
        resourceType: 'ACTIVE_NUMBER',
        eventType: 'PROVISIONING_TO_VOICE_PLATFORM',
        status: 'FAILED',
        failureCode: 'PROVISIONING_TO_VOICE_PLATFORM_FAILED',
      },
    },
  ],
}
