import { check } from './guard/check.ts'
import { tokenize, written } from './guard/tokens.ts'

/** Bounds of one user's statement. */
export const queryLimits = {
  /** Seconds. */
  executionSeconds: 10,
  resultRows: 100_000,
  resultBytes: 64 * 1024 * 1024,
  memoryBytes: 1024 * 1024 * 1024,
  /** Characters of the statement. */
  length: 20_000,
}

// `final` makes every table read its newest copies; `readonly` is a second fence, not the one we rely on.
const settings = [
  'final = 1',
  `max_execution_time = ${queryLimits.executionSeconds}`,
  "timeout_overflow_mode = 'throw'",
  `max_result_rows = ${queryLimits.resultRows}`,
  `max_result_bytes = ${queryLimits.resultBytes}`,
  "result_overflow_mode = 'throw'",
  `max_memory_usage = ${queryLimits.memoryBytes}`,
  // `details` is told from its text: `*` shows both.
  'asterisk_include_alias_columns = 1',
  "date_time_output_format = 'iso'",
  'output_format_json_quote_64bit_integers = 0',
  'readonly = 1',
]

/**
 * Lets a statement pass that is one SELECT over our tables with functions of the allow-list, written
 * anew from its tokens (without comments) and bounded in time and size. Throws ZENHOOK_DECISIONS_QUERY_REFUSED.
 *
 * It is an allow-list on purpose: in chdb `readonly = 1` still lets the scalar `file()` read any file
 * and `INTO OUTFILE` write one.
 */
export const guarded = (sql: string): string => {
  const tokens = tokenize(sql, queryLimits.length)
  check(tokens)
  return `${written(tokens)} SETTINGS ${settings.join(', ')}`
}
