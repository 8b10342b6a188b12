import { messageOf, ZenhookError } from '../errors/index.ts'

/**
 * Error codes of ClickHouse that say that it cannot work now, not that the statement is wrong:
 * timeouts, too many queries or parts, no memory, no space, read-only, network, a server going away.
 */
const passing = new Set([
  159, 160, 164, 202, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285, 286, 319, 394, 439, 499,
  516, 999,
])

/** What an engine's failure means: its statement was refused, or it does not answer for now. */
export const failed = (code: number | undefined, error: unknown): ZenhookError => {
  const message = firstLine(messageOf(error))
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

// An engine's message may repeat the rows that it was given.
const firstLine = (message: string): string => message.split('\n', 1)[0]?.slice(0, 500) ?? ''
