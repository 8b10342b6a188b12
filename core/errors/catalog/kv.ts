import type { ErrorEntry } from './entry.ts'

export const kvErrors = {
  ZENHOOK_KV_UNAVAILABLE: {
    summary: 'The state store does not answer',
    fix: 'Check that the server of REDIS_URL runs and can be reached; stages wait for it and lose nothing',
  },
  ZENHOOK_KV_CLOSED: {
    summary: 'The state store is closed',
    fix: 'Open it again; a closing process no longer uses it',
  },
} as const satisfies Record<string, ErrorEntry>
