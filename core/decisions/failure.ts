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
 * What an engine's failure means: its statement was refused, or it does not answer for now. A user's
 * statement that is too large or too slow is refused: the same one would fail again.
 */
export const failed = (code: number | undefined, error: unknown, guarded = false): ZenhookError => {
  const message = firstLine(messageOf(error))
  if (guarded && code !== undefined && bounds.has(code))
    return new ZenhookError('ZENHOOK_DECISIONS_QUERY_FAILED', {
      message: `The statement went beyond its bounds: ${message}`,
      fix: 'Narrow it by time (received_at), read fewer columns, or add a LIMIT',
      details: { code },
      cause: error,
    })
  if (code === undefined || passing.has(code))
    return new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', {
      message: `ClickHouse does not answer: ${message}`,
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
