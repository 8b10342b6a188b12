import type { Preset } from './preset.ts'

export const sentry: Preset = {
  name: 'sentry',
  title: 'Sentry',
  docs: 'https://docs.sentry.io/organization/integrations/integration-platform/webhooks/',
  evidence: {
    checked: 'documentation',
    source: 'Integration platform, Webhooks',
    url: 'https://docs.sentry.io/organization/integrations/integration-platform/webhooks/',
  },
  // Sentry-Hook-Timestamp is not signed, so it proves nothing.
  schemes: [{ name: 'sha256', verify: { scheme: 'hmac', header: 'sentry-hook-signature' } }],
  deliveryId: { header: 'request-id' },
  idCovered: false,
  bodyCovered: true,
  type: { join: [{ header: 'sentry-hook-resource' }, { body: 'action' }] },
  defaultType: 'unknown',
  patienceMs: 1_000,
  keep: ['sentry-hook-resource', 'sentry-hook-timestamp', 'request-id', 'user-agent'],
  secret: 'The client secret of the internal integration: Settings, Custom Integrations',
  notes: ['The time in Sentry-Hook-Timestamp and the type in Sentry-Hook-Resource are not signed.'],
  samples: [
    {
      type: 'issue.created',
      headers: {
        'sentry-hook-resource': 'issue',
        'sentry-hook-timestamp': '1626230691',
        'request-id': 'b4b1f6d2c4ee4dd8a1a6d6e5c3c7b9a0',
      },
      body: {
        action: 'created',
        installation: { uuid: 'a8e5d37a-696c-4c54-adb5-b3f28d64c7de' },
        data: {
          issue: {
            id: '1170820242',
            shortId: 'PAYMENTS-2',
            title: "TypeError: Cannot read properties of undefined (reading 'total')",
            level: 'error',
            status: 'unresolved',
            project: { slug: 'payments' },
          },
        },
        actor: { type: 'application', id: 'sentry', name: 'Sentry' },
      },
    },
  ],
}
