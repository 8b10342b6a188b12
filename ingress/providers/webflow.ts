import type { Preset } from './preset.ts'

export const webflow: Preset = {
  name: 'webflow',
  title: 'Webflow',
  docs: 'https://developers.webflow.com/data/docs/working-with-webhooks',
  evidence: {
    checked: 'library',
    source: 'webflow-api 3.3.4, webhooks.verifySignature',
    url: 'https://github.com/webflow/js-webflow-api',
  },
  schemes: [
    {
      name: 'sha256',
      verify: {
        scheme: 'hmac',
        header: 'x-webflow-signature',
        timestamp: { header: 'x-webflow-timestamp', unit: 'ms' },
        template: '{timestamp}:{body}',
        tolerance: '5m',
      },
    },
  ],
  idCovered: false,
  bodyCovered: true,
  type: { body: 'triggerType' },
  defaultType: 'event',
  patienceMs: 5000,
  keep: ['x-webflow-timestamp', 'user-agent'],
  secret:
    'The client secret of the app, or the secret of a webhook that was made with a site token',
  notes: ['Webhooks made in the dashboard of a site are not signed: make them with the API.'],
  samples: [
    {
      type: 'form_submission',
      body: {
        triggerType: 'form_submission',
        payload: {
          name: 'Contact Us',
          siteId: '65427cf400e02b306eaa049c',
          data: { Name: 'Ada Example', Message: 'Checkout is broken' },
          submittedAt: '2022-09-14T12:35:16.117Z',
          id: '6321ca84df3949bfc6752327',
          formId: '65429eadebe8a9f3a30f62d0',
        },
      },
    },
  ],
}
