import { messageOf, ZenhookError } from '../errors/index.ts'

/**
 * Error codes of ClickHouse that say that it cannot work now, not that the statement is wrong:
 * timeouts, too many queries or parts, no memory, no space, read-only, network, a server going away.
 */
const passing = new Set([
  159, 160, 164, 202, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285, 286, 319, 394, 439, 499,
  516, 999,
])

/** Codes that say that a statement ran into the bounds that the guard has put on it. */
const bounds = new Set([158, 159, 160, 241, 307, 396])

/**
 * Codes that speak of the rows that an insert brings: they cannot be parsed or converted, or break a constraint.
 * Every other one is of the tables, the account or the server, and no row is at fault for it.
 */
const ofRows = new Set([
  6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 128, 130, 131, 306, 321, 349, 376, 407, 441, 467,
  469,
])

const missing = new Set([60, 81])

/** Whether a table, or all of them, are not there. */
export const isTableMissing = ({ details }: ZenhookError): boolean =>
  typeof details.code === 'number' && missing.has(details.code)

/** `insert` brings our own rows, `query` is a user's statement, everything else is our own. */
export type Statement = 'insert' | 'query' | 'own'

/**
 * What an engine's failure means: its statement was refused, or it does not answer for now. A user's
 * statement that is too large or too slow is refused: the same one would fail again. An insert is refused
 * for its rows alone: whatever else is wrong, they can be stored once it is mended.
 */
export const failed = (
  code: number | undefined,
  error: unknown,
  statement: Statement = 'own',
): ZenhookError => {
  const message = firstLine(messageOf(error))
  if (statement === 'query' && code !== undefined && bounds.has(code))
    return new ZenhookError('ZENHOOK_DECISIONS_QUERY_FAILED', {
      message: `The statement went beyond its bounds: ${message}`,
      fix: 'Narrow it by time (received_at), read fewer columns, or add a LIMIT',
      details: { code },
      cause: error,
    })
  const isAway =
    code === undefined || (statement === 'insert' ? !ofRows.has(code) : passing.has(code))
  if (isAway)
    return new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', {
      message:
        code === undefined || passing.has(code)
          ? `ClickHouse does not answer: ${message}`
          : `ClickHouse stores nothing: ${message}`,
      retriable: true,
      details: code === undefined ? {} : { code },
      cause: error,
    })
  return new ZenhookError('ZENHOOK_DECISIONS_QUERY_FAILED', {
    message: `ClickHouse refused the statement: ${message}`,
    details: { code },
    cause: error,
  })
}

// An engine's message may repeat the rows that it was given, and the bounds that the guard wrote.
const firstLine = (message: string): string =>
  message
    .replace(/ SETTINGS final = 1,.*? readonly = 1/s, '')
    .split('\n', 1)[0]
    ?.slice(0, 500) ?? ''
