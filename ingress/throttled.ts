import { messageOf } from '../core/errors/index.ts'
import type { Logger } from '../core/telemetry/index.ts'

/** Says the same thing at most once a second, with how many times it stands for. */
export const throttled = (
  logger: Logger,
  level: 'warn' | 'error',
  message: string,
): ((error: unknown, fields?: object) => void) => {
  let count = 0
  let next = Number.NEGATIVE_INFINITY
  return (error, fields) => {
    count += 1
    const time = performance.now()
    if (time < next) return
    logger[level]({ ...fields, count, error: messageOf(error) }, message)
    next = time + 1_000
    count = 0
  }
}
