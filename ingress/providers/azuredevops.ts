import type { Preset } from './preset.ts'

export const azuredevops: Preset = {
  name: 'azuredevops',
  aliases: ['azure-devops'],
  title: 'Azure DevOps',
  docs: 'https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks',
  evidence: {
    checked: 'none',
    source: 'Webhooks, Basic authentication',
    url: 'https://learn.microsoft.com/en-us/azure/devops/service-hooks/services/webhooks',
  },
  schemes: [{ name: 'basic', verify: { scheme: 'basic' } }],
  deliveryId: { body: 'id' },
  idCovered: false,
  bodyCovered: false,
  type: { body: 'eventType' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-vss-activityid', 'user-agent'],
  secret: 'user:password of the service hook subscription',
  notes: ['Azure DevOps signs nothing: the password itself comes with each request.'],
  samples: [
    {
      type: 'build.complete',
      body: {
        id: '4a5d99d6-1c75-4e53-91b9-ee80057d4ce3',
        eventType: 'build.complete',
        publisherId: 'tfs',
        message: { text: 'Build payments_20250204.2 failed' },
        resource: {
          id: 2,
          buildNumber: 'payments_20250204.2',
          status: 'completed',
          result: 'failed',
          sourceBranch: 'refs/heads/main',
          definition: { id: 1, name: 'payments' },
          requestedFor: { displayName: 'Ada Example' },
        },
        resourceVersion: '2.0',
        resourceContainers: { project: { id: 'be9b3917-87e6-42a4-a549-2bc06a7a878f' } },
        createdDate: '2025-02-04T13:17:54.613Z',
      },
    },
  ],
}
