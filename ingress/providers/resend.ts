import type { Preset } from './preset.ts'

export const resend: Preset = {
  name: 'resend',
  title: 'Resend',
  docs: 'https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests',
  evidence: {
    checked: 'library',
    source: 'resend 6.38.0, webhooks.verify',
    url: 'https://github.com/resend/resend-node',
  },
  schemes: [
    {
      name: 'v1',
      verify: { scheme: 'standard-webhooks', headers: ['svix', 'webhook'], tolerance: '5m' },
    },
  ],
  deliveryId: { proven: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: { body: 'type' },
  defaultType: 'event',
  patienceMs: 15000,
  keep: ['svix-id', 'svix-timestamp', 'user-agent'],
  secret: 'The signing secret of the webhook, whsec_…: Webhooks, the webhook, Signing Secret',
  samples: [
    {
      type: 'email.bounced',
      body: {
        type: 'email.bounced',
        created_at: '2024-11-22T23:41:12.126Z',
        data: {
          email_id: '56761188-7520-42d8-8898-ff6fc54ce618',
          from: 'Acme <billing@acme.example>',
          to: ['ada@example.com'],
          subject: 'Your invoice',
          bounce: {
            type: 'Permanent',
            subType: 'Suppressed',
            message: 'The recipient is on the suppression list',
          },
        },
      },
    },
  ],
}
