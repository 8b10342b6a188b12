import type { Preset } from './preset.ts'

export const jira: Preset = {
  name: 'jira',
  title: 'Jira',
  docs: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks',
  evidence: {
    checked: 'vector',
    source: 'Webhooks, Secure admin webhooks',
    url: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/#secure-admin-webhooks',
  },
  schemes: [
    { name: 'sha256', verify: { scheme: 'hmac', header: 'x-hub-signature', prefix: 'sha256=' } },
  ],
  deliveryId: { header: 'x-atlassian-webhook-identifier' },
  idCovered: false,
  bodyCovered: true,
  type: { body: 'webhookEvent' },
  defaultType: 'unknown',
  patienceMs: 10_000,
  keep: [
    'x-atlassian-webhook-identifier',
    'x-atlassian-webhook-flow',
    'x-atlassian-webhook-retry',
    'user-agent',
  ],
  secret: 'The secret of the webhook: System, WebHooks',
  samples: [
    {
      type: 'jira:issue_created',
      headers: { 'x-atlassian-webhook-identifier': '8e0f3f8a-5e8f-4a7b-9d3f-0b2c1a4d5e6f' },
      body: {
        timestamp: 1606480436302,
        webhookEvent: 'jira:issue_created',
        issue_event_type_name: 'issue_created',
        user: { displayName: 'Emma Richards' },
        issue: {
          id: '99291',
          key: 'PAY-15',
          fields: {
            summary: 'Checkout returns 500',
            priority: { name: 'Highest' },
            issuetype: { name: 'Bug' },
            status: { name: 'To Do' },
            project: { key: 'PAY' },
          },
        },
      },
    },
  ],
}
