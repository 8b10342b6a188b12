import { messageOf } from '../../core/errors/index.ts'
import type { Logger } from '../../core/telemetry/index.ts'
import { CalledOff } from './patience.ts'

/** What a process has opened, to be closed in reverse order, once. */
export interface Parts {
  /** Aborted as soon as the process is to end. */
  readonly signal: AbortSignal
  /** Notes how to close a part; throws CalledOff, having closed it, when all are being closed already. */
  opened(close: () => Promise<unknown>): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

export const createParts = (logger: Logger): Parts => {
  const ending = new AbortController()
  const closers: (() => Promise<unknown>)[] = []
  const end = async (close: () => Promise<unknown>): Promise<void> => {
    try {
      await close()
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'a part of the process did not close cleanly')
    }
  }
  const closeAll = async (): Promise<void> => {
    ending.abort()
    for (const close of closers.splice(0).reverse()) await end(close)
  }
  let closing: Promise<void> | undefined
  return {
    signal: ending.signal,
    async opened(close) {
      if (!ending.signal.aborted) {
        closers.push(close)
        return
      }
      await end(close)
      throw new CalledOff()
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}
