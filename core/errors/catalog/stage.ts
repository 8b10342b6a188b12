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
  ZENHOOK_STAGE_BROKEN_PROMISE: {
    summary: 'A stage did not give one outcome per event',
    fix: 'This is a fault of the stage, not of the event; report it with the dead letter',
  },
  ZENHOOK_STAGE_QUARANTINED: {
    summary:
      'A record was set aside: process after process died while nothing but it was under way',
    fix: 'Look for the end of those processes in their last output (a native fault, a lack of memory); mend that, then replay the dead letter',
  },
  ZENHOOK_STAGE_UNKNOWN: {
    summary: 'The chain has no stage of that name',
    fix: 'Use the names that `zenhook topology` lists',
  },
} as const satisfies Record<string, ErrorEntry>
