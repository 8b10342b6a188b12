import type { Readable } from 'node:stream'
import { type Refusal, refuse } from './problems.ts'

export interface BodyLimits {
  maxBytes: number
  /** The whole body must have come by then, ms. */
  deadlineMs: number
  /** Slower than this on average, once `graceMs` have passed, is cut off. */
  minBytesPerSecond: number
  graceMs: number
}

export const bodyDefaults = {
  deadlineMs: 30_000,
  minBytesPerSecond: 1_024,
  graceMs: 5_000,
} as const satisfies Omit<BodyLimits, 'maxBytes'>

/** Counts what requests hold in memory, all together. */
export interface Budget {
  /** False when there is no room; else the bytes are taken. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export const createBudget = (maxBytes: number): Budget => {
  let used = 0
  return {
    take(bytes) {
      if (used + bytes > maxBytes) return false
      used += bytes
      return true
    },
    give(bytes) {
      used -= bytes
    },
  }
}

const tooLarge = (): Refusal => refuse('ZENHOOK_INGRESS_BODY_TOO_LARGE', { close: true })
const noRoom = (): Refusal =>
  refuse('ZENHOOK_INGRESS_OVERLOADED', { retryAfterMs: 1_000, close: true })
const tooSlow = (): Refusal => refuse('ZENHOOK_INGRESS_TIMEOUT', { close: true })

/**
 * The bytes as they came, or why not. The limit holds while reading, whatever was declared. The caller
 * gives the bytes back to the budget once it is done with them.
 */
export const readBody = (
  incoming: Readable,
  limits: BodyLimits,
  budget: Budget,
): Promise<Buffer | Refusal> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const startedAt = performance.now()

    const finish = (result: Buffer | Refusal): void => {
      clearInterval(timer)
      incoming.off('data', onData)
      incoming.off('end', onEnd)
      incoming.off('error', onGone)
      incoming.off('close', onGone)
      if (!Buffer.isBuffer(result)) {
        budget.give(size)
        incoming.pause()
        // What still comes in, or goes wrong, is of no interest any more.
        incoming.on('error', () => {})
      }
      resolve(result)
    }
    const onData = (chunk: Buffer): void => {
      if (size + chunk.length > limits.maxBytes) finish(tooLarge())
      else if (!budget.take(chunk.length)) finish(noRoom())
      else {
        size += chunk.length
        chunks.push(chunk)
      }
    }
    const onEnd = (): void => {
      const [only] = chunks
      finish(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks, size))
    }
    const onGone = (): void =>
      finish(
        refuse('ZENHOOK_INGRESS_MALFORMED', {
          detail: 'The body ended before it was whole',
          close: true,
        }),
      )
    const onTick = (): void => {
      const tookMs = performance.now() - startedAt
      const slow = tookMs > limits.graceMs && size < (limits.minBytesPerSecond * tookMs) / 1000
      if (slow || tookMs >= limits.deadlineMs) finish(tooSlow())
    }
    const timer = setInterval(onTick, Math.min(500, limits.graceMs, limits.deadlineMs))
    incoming.on('data', onData)
    incoming.on('end', onEnd)
    incoming.on('error', onGone)
    incoming.on('close', onGone)
  })
