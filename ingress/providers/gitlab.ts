import type { Preset } from './preset.ts'

export const gitlab: Preset = {
  name: 'gitlab',
  title: 'GitLab',
  docs: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Webhooks, Secret token and signing token',
    url: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  },
  schemes: [
    {
      name: 'signing-token',
      when: { header: 'webhook-signature' },
      secrets: { startsWith: 'whsec_' },
      verify: { scheme: 'standard-webhooks', headers: ['webhook'], tolerance: '5m' },
      deliveryId: { proven: 'id' },
      idCovered: true,
      bodyCovered: true,
    },
    {
      name: 'secret-token',
      secrets: { without: 'whsec_' },
      verify: { scheme: 'token', header: 'x-gitlab-token' },
    },
  ],
  deliveryId: { first: [{ header: 'idempotency-key' }, { header: 'x-gitlab-event-uuid' }] },
  idCovered: false,
  bodyCovered: false,
  type: {
    first: [{ body: 'object_kind' }, { body: 'event_name' }, { header: 'x-gitlab-event' }],
  },
  defaultType: 'unknown',
  patienceMs: 10_000,
  keep: [
    'x-gitlab-event',
    'x-gitlab-event-uuid',
    'x-gitlab-webhook-uuid',
    'x-gitlab-instance',
    'idempotency-key',
    'webhook-id',
    'user-agent',
  ],
  secret: 'The signing token of the webhook, whsec_…, or its older secret token',
  notes: [
    'The older secret token comes with each request and covers nothing of it: choose the signing token.',
  ],
  samples: [
    {
      type: 'pipeline',
      headers: {
        'x-gitlab-event': 'Pipeline Hook',
        'x-gitlab-event-uuid': '13792a34-cac6-4fda-95a8-c58e00a3954e',
        'idempotency-key': 'f5e57c64-0c1f-4d64-bb35-4d1c0b2bd0ef',
      },
      body: {
        object_kind: 'pipeline',
        object_attributes: { id: 31, ref: 'main', status: 'failed', source: 'push', duration: 63 },
        user: { name: 'Administrator', username: 'root' },
        project: { id: 1, name: 'Payments', path_with_namespace: 'acme/payments' },
      },
    },
  ],
}
