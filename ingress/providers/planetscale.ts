import type { Preset } from './preset.ts'

export const planetscale: Preset = {
  name: 'planetscale',
  title: 'PlanetScale',
  docs: 'https://planetscale.com/docs/api/webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Validating a webhook signature',
    url: 'https://planetscale.com/docs/api/webhooks',
  },
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'x-planetscale-signature' } }],
  deliveryId: {
    join: [{ body: 'event' }, { body: 'resource.id' }, { body: 'timestamp' }],
    with: ':',
    every: true,
  },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook: database settings, Webhooks, Show secret',
  samples: [
    {
      type: 'deploy_request.errored',
      body: {
        timestamp: 1698252879,
        event: 'deploy_request.errored',
        organization: 'acme',
        database: 'shop',
        resource: {
          id: 'gy5tm9a1yf3u',
          type: 'DeployRequest',
          number: 42,
          branch: 'add-index',
          into_branch: 'main',
          state: 'open',
          deployment_state: 'complete_error',
          actor: { display_name: 'Ada Example' },
        },
      },
    },
  ],
}
