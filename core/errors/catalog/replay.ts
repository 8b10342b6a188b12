import type { ErrorEntry } from './entry.ts'

export const replayErrors = {
  ZENHOOK_REPLAY_NOT_FOUND: {
    summary: 'There is no such replay',
    fix: 'zenhook replay list shows those of the last 30 days',
  },
  ZENHOOK_REPLAY_INVALID: {
    summary: 'The replay cannot be made as it was asked for',
    fix: 'Name events by id, or by a filter such as --source and --since; see zenhook replay --help',
  },
  ZENHOOK_REPLAY_STATE: {
    summary: 'The replay is not in a state for that',
    fix: 'zenhook replay get shows its state: only what runs can be paused, only what is paused resumed',
  },
  ZENHOOK_REPLAY_BUSY: {
    summary: 'The replay changed too often to be changed now',
    fix: 'Try again',
  },
} as const satisfies Record<string, ErrorEntry>
