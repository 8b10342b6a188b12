import type { Preset } from './preset.ts'

export const notion: Preset = {
  name: 'notion',
  title: 'Notion',
  docs: 'https://developers.notion.com/reference/webhooks',
  evidence: {
    checked: 'library',
    source: '@notionhq/client 5.26.0, verifyWebhookSignature and signWebhookPayload',
    url: 'https://github.com/makenotion/notion-sdk-js',
  },
  schemes: [
    { name: 'sha256', verify: { scheme: 'hmac', header: 'x-notion-signature', prefix: 'sha256=' } },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'verification',
  patienceMs: 10000,
  keep: ['user-agent'],
  secret: 'The verification_token that Notion sent to the URL when the subscription was made',
  notes: [
    'Notion sends the token to the URL in its first request, signed with that same token: Zenhook refuses that request, for it does not know the token yet. Let another receiver at the same URL take it, then configure the source.',
  ],
  samples: [
    {
      type: 'page.content_updated',
      body: {
        id: '367cba44-b6f3-4c92-81e7-6a2e9659efd4',
        timestamp: '2024-12-05T23:55:34.285Z',
        workspace_id: '13950b26-c203-4f3b-b97d-93ec06319565',
        subscription_id: '29d75c0d-5546-4414-8459-7b7a92f1fc4b',
        integration_id: '0ef2e755-4912-8096-91c1-00376a88a5ca',
        type: 'page.content_updated',
        authors: [{ id: 'c7c11cca-1d73-471d-9b6e-bdef51470190', type: 'person' }],
        attempt_number: 1,
        entity: { id: '153104cd-477e-809d-8dc4-ff2d96ae3090', type: 'page' },
        data: { updated_blocks: [] },
      },
    },
  ],
}
