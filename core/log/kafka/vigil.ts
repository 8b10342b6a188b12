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
 * A consumer has crashed, or nothing was heard for so long of it, or of what it fetches from one broker:
 * kafkajs can wait for an answer that never comes, and neither fetches nor fails then.
 */
export const keepVigil = (by: Watched, silenceMs: number): Vigil => {
  let isOver = false
  let heardAt = performance.now()
  /** Since when each broker owes an answer. */
  const asked = new Map<number, number>()
  let resolve = (_: Error): void => {}
  const over = new Promise<Error>((done) => {
    resolve = done
  })
  const end = (error: Error): void => {
    isOver = true
    resolve(error)
  }
  const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH_START, FETCH } = by.events
  const offs = [
    by.on(CRASH, ({ payload }) => {
      end(logError('ZENHOOK_LOG_UNAVAILABLE', 'The consumer starts anew', payload.error))
    }),
    ...[GROUP_JOIN, HEARTBEAT, FETCH].map((event) =>
      by.on(event, () => {
        heardAt = performance.now()
      }),
    ),
    by.on(FETCH_START, ({ payload }) => asked.set(payload.nodeId, performance.now())),
    by.on(FETCH, ({ payload }) => asked.delete(payload.nodeId)),
    // What was asked before belongs to partitions that may be another's now.
    by.on(GROUP_JOIN, () => asked.clear()),
  ]
  const looking = setInterval(() => {
    const since = Math.min(heardAt, ...asked.values())
    if (performance.now() - since < silenceMs) return
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
