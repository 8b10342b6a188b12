import type { ErrorEntry } from './entry.ts'

export const stageErrors = {
  ZENHOOK_STAGE_FAILED: {
    summary: 'A stage failed on this record alone',
    fix: 'Read the cause; mend the mapping, the rule or the payload, then replay the dead letter',
  },
  ZENHOOK_STAGE_UNDECODABLE: {
    summary: 'A record cannot be decoded',
    fix: 'Find its producer by topic and offset; the original bytes are in the dead letter',
  },
} as const satisfies Record<string, ErrorEntry>
