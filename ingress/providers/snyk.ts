import type { Preset } from './preset.ts'

export const snyk: Preset = {
  name: 'snyk',
  title: 'Snyk',
  docs: 'https://docs.snyk.io/developer-tools/snyk-api/using-specific-snyk-apis/webhooks-apis/validation-and-versioning-of-payloads',
  evidence: {
    checked: 'documentation',
    source: 'Validation and versioning of payloads',
    url: 'https://docs.snyk.io/developer-tools/snyk-api/using-specific-snyk-apis/webhooks-apis/validation-and-versioning-of-payloads',
  },
  schemes: [
    { name: 'sha256', verify: { scheme: 'hmac', header: 'x-hub-signature', prefix: 'sha256=' } },
  ],
  deliveryId: { header: 'x-snyk-transport-id' },
  idCovered: false,
  bodyCovered: true,
  type: { header: 'x-snyk-event' },
  defaultType: 'event',
  patienceMs: 10000,
  keep: ['x-snyk-event', 'x-snyk-transport-id', 'x-snyk-timestamp', 'user-agent'],
  secret: 'The secret that you gave when the webhook was made',
  notes: ['Type, id and time stand in headers alone, which the signature does not cover.'],
  samples: [
    {
      type: 'project_snapshot/v0',
      headers: {
        'x-snyk-event': 'project_snapshot/v0',
        'x-snyk-transport-id': '998fe884-18a0-45db-8ae0-e379eea3bc0a',
        'x-snyk-timestamp': '2020-09-25T15:27:53Z',
      },
      body: {
        project: {
          id: 'af137b96-6966-46c1-826b-2e79ac49bbd9',
          name: 'acme/payments:package.json',
          type: 'npm',
          branch: 'main',
        },
        org: { id: 'a04d9cbd-ae6e-44af-b573-0556b0ad4bd2', name: 'Acme' },
        group: { id: 'd5f3f8c1-2b4a-4d6e-9f0a-1b2c3d4e5f60', name: 'Acme' },
        newIssues: [
          {
            id: 'npm:ms:20170412',
            issueType: 'vuln',
            pkgName: 'ms',
            pkgVersions: ['1.0.0'],
            issueData: { title: 'Regular expression denial of service', severity: 'high' },
          },
        ],
        removedIssues: [],
      },
    },
  ],
}
