import type { Consumer } from 'kafkajs'
import { logError } from './errors.ts'

/** What tells whether a kafkajs consumer lives. */
export type Watched = Pick<Consumer, 'on' | 'events'>

export interface Vigil {
  /** Resolves with the reason once the consumer must be replaced. */
  over: Promise<Error>
  isOver(): boolean
  /** Says that it must. */
  end(error: Error): void
  close(): void
}

const lookEveryMs = 1_000

/**
 * A consumer has crashed, or nothing was heard of it for so long: kafkajs can wait for an answer that
 * never comes, and neither fetches nor fails then.
 */
export const keepVigil = (by: Watched, silenceMs: number): Vigil => {
  let isOver = false
  let heardAt = performance.now()
  let resolve = (_: Error): void => {}
  const over = new Promise<Error>((done) => {
    resolve = done
  })
  const end = (error: Error): void => {
    isOver = true
    resolve(error)
  }
  const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH } = by.events
  const offs = [
    by.on(CRASH, ({ payload }) => {
      end(logError('ZENHOOK_LOG_UNAVAILABLE', 'The consumer starts anew', payload.error))
    }),
    ...[GROUP_JOIN, HEARTBEAT, FETCH].map((event) =>
      by.on(event, () => {
        heardAt = performance.now()
      }),
    ),
  ]
  const looking = setInterval(() => {
    if (performance.now() - heardAt < silenceMs) return
    const message = `The consumer starts anew: nothing was heard of it for ${silenceMs} ms`
    end(logError('ZENHOOK_LOG_UNAVAILABLE', message))
  }, lookEveryMs)
  looking.unref()
  return {
    ...{ over, end },
    isOver: () => isOver,
    close: () => {
      clearInterval(looking)
      for (const off of offs) off()
    },
  }
}
