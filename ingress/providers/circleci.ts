import type { Preset } from './preset.ts'

export const circleci: Preset = {
  name: 'circleci',
  title: 'CircleCI',
  docs: 'https://circleci.com/docs/outbound-webhooks/#validate-webhooks',
  evidence: {
    checked: 'vector',
    source: 'Validate webhooks, table of examples',
    url: 'https://circleci.com/docs/outbound-webhooks/#validate-webhooks',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'circleci-signature',
        list: { separator: ',', key: 'v1' },
      },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { first: [{ body: 'type' }, { header: 'circleci-event-type' }] },
  defaultType: 'event',
  patienceMs: 5_000,
  keep: ['circleci-event-type', 'user-agent'],
  secret: 'The secret token of the webhook: Project Settings, Webhooks',
  samples: [
    {
      type: 'workflow-completed',
      headers: { 'circleci-event-type': 'workflow-completed' },
      body: {
        id: '3888f21b-eaa7-38e3-8f3d-75a63bba8895',
        type: 'workflow-completed',
        happened_at: '2021-09-01T22:49:34.317Z',
        webhook: { id: 'cf8c4fdd-0587-4da1-b4ca-4846e9640af9', name: 'Zenhook' },
        project: { name: 'payments', slug: 'github/acme/payments' },
        organization: { name: 'acme' },
        workflow: { name: 'build-test-deploy', status: 'failed' },
        pipeline: { number: 130, vcs: { branch: 'main' } },
      },
    },
  ],
}
