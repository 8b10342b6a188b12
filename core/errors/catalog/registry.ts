import type { ErrorEntry } from './entry.ts'

export const registryErrors = {
  ZENHOOK_REGISTRY_NOT_READY: {
    summary: 'The registry has not been read yet',
    fix: 'Wait until /readyz is green; check the log if it stays red',
  },
  ZENHOOK_REGISTRY_SECRET_MISSING: {
    summary: 'A secret reference names nothing',
    fix: 'Set the environment variable or create the file that the reference names',
  },
  ZENHOOK_REGISTRY_SECRET_FORBIDDEN: {
    summary: 'A secret reference is outside what its author was granted',
    fix: 'Use a name granted to the tenant, or a file below SECRETS_DIR/<tenant>',
  },
  ZENHOOK_REGISTRY_CONFLICT: {
    summary: 'The configuration was changed by somebody else in the meantime',
    fix: 'Read the present revision, look at `zenhook diff`, and publish again',
  },
  ZENHOOK_REGISTRY_UNDECODABLE: {
    summary: 'A record of the topic registry cannot be read',
    fix: 'Publish the whole configuration again; until then the last good revision stays in use, where there is one',
  },
} as const satisfies Record<string, ErrorEntry>
