import type { Preset } from './preset.ts'

export const jiraConnect: Preset = {
  name: 'jira-connect',
  title: 'Jira Connect app',
  docs: 'https://developer.atlassian.com/cloud/jira/platform/understanding-jwt-for-connect-apps/',
  evidence: {
    checked: 'library',
    source: 'atlassian-jwt 2.0.3, encodeSymmetric and createQueryStringHash',
    url: 'https://bitbucket.org/atlassian/atlassian-jwt-js',
  },
  // The token covers method, path and query: the body is only as trustworthy as the transport.
  schemes: [
    {
      name: 'jwt',
      verify: {
        scheme: 'jwt',
        header: 'authorization',
        prefix: 'JWT ',
        algorithms: ['HS256'],
        queryHash: 'qsh',
        required: ['iss', 'iat', 'exp', 'qsh'],
        leeway: '30s',
        maxLifetime: '1h',
      },
    },
  ],
  idCovered: false,
  bodyCovered: false,
  type: { body: 'webhookEvent' },
  defaultType: 'unknown',
  patienceMs: 10_000,
  keep: ['x-atlassian-webhook-identifier', 'x-atlassian-webhook-retry', 'user-agent'],
  secret: "The sharedSecret of the app's installation; set verify.issuer to its clientKey",
  notes: [
    'The token covers method, path and query: the body is only as trustworthy as the transport.',
  ],
  samples: [
    {
      type: 'jira:issue_updated',
      body: {
        timestamp: 1606480436302,
        webhookEvent: 'jira:issue_updated',
        issue: {
          id: '99291',
          key: 'PAY-15',
          fields: { summary: 'Checkout returns 500', priority: { name: 'Highest' } },
        },
        changelog: { items: [{ field: 'priority', fromString: 'Low', toString: 'Highest' }] },
      },
    },
  ],
}
