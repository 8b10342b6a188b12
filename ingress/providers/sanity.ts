import type { Preset } from './preset.ts'

export const sanity: Preset = {
  name: 'sanity',
  title: 'Sanity',
  docs: 'https://www.sanity.io/docs/webhooks',
  evidence: {
    checked: 'vector',
    source: 'Tests of @sanity/webhook, and its 4.0.4 both ways',
    url: 'https://github.com/sanity-io/webhook-toolkit',
  },
  schemes: [
    {
      name: 'v1',
      verify: {
        scheme: 'hmac',
        header: 'sanity-webhook-signature',
        list: { separator: ',', key: 'v1' },
        encoding: 'base64url',
        timestamp: { key: 't', unit: 'ms' },
        template: '{timestamp}.{body}',
        tolerance: '1h',
      },
    },
  ],
  deliveryId: { header: 'idempotency-key' },
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ body: '_type' }, { header: 'sanity-operation' }] },
  defaultType: 'document',
  patienceMs: 10000,
  keep: [
    'idempotency-key',
    'sanity-operation',
    'sanity-transaction-id',
    'sanity-dataset',
    'sanity-document-id',
    'sanity-project-id',
    'sanity-webhook-id',
    'user-agent',
  ],
  secret: 'The secret of the GROQ-powered webhook: project, API, Webhooks',
  notes: [
    'The signed time is when the event happened, and retries may come much later, so the tolerance is an hour; the library of Sanity checks no time.',
    'The body is whatever the projection of the webhook gives; only with _type in it the type tells the document type.',
  ],
  samples: [
    {
      type: 'article.update',
      headers: {
        'sanity-operation': 'update',
        'idempotency-key': 'fO5LhTzCOsDpyb9Mjgk4wS',
        'sanity-document-id': 'resume',
        'sanity-dataset': 'production',
      },
      body: { _id: 'resume', _type: 'article', title: 'Release notes' },
    },
  ],
}
