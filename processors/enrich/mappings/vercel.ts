import type { Mapping } from '../mapping.ts'

export const vercel: Mapping = {
  provider: 'vercel',
  detect: [[{ path: 'type', prefix: 'deployment.' }, { path: 'payload.deployment.id' }]],
  kinds: [
    {
      kind: 'deployment',
      when: { path: 'type', prefix: 'deployment.' },
      category: { value: 'deploy' },
      severity: { path: 'type', map: { 'deployment.error': 'high', 'deployment.canceled': 'low' } },
      status: {
        path: 'type',
        map: {
          'deployment.created': 'in_progress',
          'deployment.ready': 'succeeded',
          'deployment.succeeded': 'succeeded',
          'deployment.promoted': 'succeeded',
          'deployment.error': 'failed',
          'deployment.canceled': 'cancelled',
        },
      },
      resource: { path: ['payload.deployment.name', 'payload.name', 'payload.project.id'] },
      title: { template: '{type}: {payload.deployment.name|payload.name}' },
      url: { path: ['payload.links.deployment'] },
      environment: { path: 'payload.target' },
      branch: {
        path: [
          'payload.deployment.meta.githubCommitRef',
          'payload.deployment.meta.gitlabCommitRef',
          'payload.deployment.meta.bitbucketCommitRef',
        ],
      },
      fingerprint: [{ path: 'payload.project.id' }, { path: 'payload.target' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'lifecycle' },
    resource: { path: ['payload.project.id', 'payload.team.id'] },
    title: { path: 'type' },
  },
}
