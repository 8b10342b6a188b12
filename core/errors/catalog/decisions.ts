import type { ErrorEntry } from './entry.ts'

export const decisionsErrors = {
  ZENHOOK_DECISIONS_UNAVAILABLE: {
    summary: 'ClickHouse does not answer',
    fix: 'Check CLICKHOUSE_URL; decisions wait in their topic and are inserted later',
  },
  ZENHOOK_DECISIONS_QUERY_REFUSED: {
    summary: 'The statement is not a SELECT over the decision tables',
    fix: 'Use SELECT over events, decisions and attempts with the functions listed in docs/reference',
  },
  ZENHOOK_DECISIONS_QUERY_FAILED: {
    summary: 'ClickHouse refused the statement',
    fix: "Read the engine's message; the columns are listed in docs/reference",
  },
  ZENHOOK_DECISIONS_LOCKED: {
    summary: 'Another process has the decisions folder open',
    fix: 'Stop the other process, or give this one its own --data-dir',
  },
} as const satisfies Record<string, ErrorEntry>
