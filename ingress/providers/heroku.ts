import type { Preset } from './preset.ts'

export const heroku: Preset = {
  name: 'heroku',
  title: 'Heroku',
  docs: 'https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests',
  evidence: {
    checked: 'documentation',
    source: 'App webhooks, Securing webhook requests',
    url: 'https://devcenter.heroku.com/articles/app-webhooks#securing-webhook-requests',
  },
  schemes: [
    {
      name: 'sha256',
      verify: { scheme: 'hmac', header: 'heroku-webhook-hmac-sha256', encoding: 'base64' },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { join: [{ body: 'resource' }, { body: 'action' }] },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The secret of the webhook, shown once when it is made',
  samples: [
    {
      type: 'release.create',
      body: {
        id: 'cfa39cb5-7a1b-4f0a-a0a1-6a5e2f6f2a4d',
        action: 'create',
        actor: { id: 'd2d0e8f6-6a2c-4e4f-b4d1-8f7b9d1f3c4a', email: 'ada@example.com' },
        created_at: '2016-08-02T22:03:18Z',
        resource: 'release',
        data: {
          id: '40cfe1c5-5d4c-4e8a-a9b1-0f4c8e2a8a3a',
          version: 27,
          status: 'failed',
          app: { name: 'payments' },
          description: 'Deploy ec26c3e',
        },
        webhook_metadata: {
          attempt: { id: 'f2f3c4d5-0b1a-4c2d-8e3f-4a5b6c7d8e9f' },
          event: { include: 'api:release' },
        },
      },
    },
  ],
}
