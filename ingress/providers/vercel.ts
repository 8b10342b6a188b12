import type { Preset } from './preset.ts'

export const vercel: Preset = {
  name: 'vercel',
  title: 'Vercel',
  docs: 'https://vercel.com/docs/webhooks/webhooks-api#securing-webhooks',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks API, Securing webhooks',
    url: 'https://vercel.com/docs/webhooks/webhooks-api#securing-webhooks',
  },
  schemes: [
    { name: 'sha1', verify: { scheme: 'hmac', header: 'x-vercel-signature', algorithm: 'sha1' } },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 30000,
  keep: ['user-agent'],
  secret:
    'The secret of the webhook, shown once when it is made; the client secret for those of an integration',
  notes: ['The HMAC is made with SHA-1, for Vercel has nothing better.'],
  samples: [
    {
      type: 'deployment.error',
      body: {
        id: 'uev_CSdFGLVRmpmhhB5JL9EcCjvT',
        type: 'deployment.error',
        createdAt: 1713218405215,
        region: 'fra1',
        payload: {
          team: { id: 'team_a1b2' },
          user: { id: 'user_c3d4' },
          project: { id: 'prj_cSTJ9m0RwkVqTdBwjRVWZzhUbkJs' },
          deployment: {
            id: 'dpl_5FHBoRsLwpmFhTSG',
            name: 'shop',
            url: 'shop-git-main-acme.vercel.app',
            meta: { githubCommitRef: 'main' },
          },
          target: 'production',
        },
      },
    },
  ],
}
