import type { Mapping } from '../mapping.ts'

/** Entries of the audit log of LaunchDarkly. */
export const launchdarkly: Mapping = {
  provider: 'launchdarkly',
  detect: [[{ path: 'accesses.0.resource' }, { path: 'kind' }, { path: '_id' }]],
  kinds: [
    {
      kind: 'flag',
      when: { path: 'kind', is: 'flag' },
      category: { value: 'deploy' },
      fingerprint: [{ path: 'accesses.0.resource' }],
    },
  ],
  facts: {
    severity: { value: 'info' },
    category: { value: 'lifecycle' },
    resource: { path: ['name', 'accesses.0.resource'] },
    actor: { path: ['member.email', 'token.name'] },
    title: { path: ['title', 'titleVerb'] },
    fingerprint: [{ path: 'accesses.0.resource' }],
  },
}
