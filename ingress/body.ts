import type { Readable } from 'node:stream'
import { type Refusal, refuse } from './problems.ts'

export interface BodyLimits {
  maxBytes: number
  /** The whole body must have come by then, ms. */
  deadlineMs: number
  /** Slower than this over any `graceMs` is cut off: a fast start buys no pause later. */
  minBytesPerSecond: number
  graceMs: number
}

export const bodyDefaults = {
  deadlineMs: 30_000,
  minBytesPerSecond: 1_024,
  graceMs: 5_000,
} as const satisfies Omit<BodyLimits, 'maxBytes'>

/** Counts what requests hold in memory: all together, and those of one client. */
export interface Budget {
  /** False when there is no room; else the bytes are taken. */
  take(client: string, bytes: number): boolean
  give(client: string, bytes: number): void
}

/** No client gets more than its share, so that none can take the room of all others. */
export const createBudget = (maxBytes: number, maxShare = maxBytes / 4): Budget => {
  const shares = new Map<string, number>()
  let used = 0
  return {
    take(client, bytes) {
      const share = (shares.get(client) ?? 0) + bytes
      if (used + bytes > maxBytes || share > maxShare) return false
      used += bytes
      shares.set(client, share)
      return true
    },
    give(client, bytes) {
      const share = (shares.get(client) ?? 0) - bytes
      used -= bytes
      if (share > 0) shares.set(client, share)
      else shares.delete(client)
    },
  }
}

const tooLarge = (): Refusal => refuse('ZENHOOK_INGRESS_BODY_TOO_LARGE', { close: true })
const noRoom = (): Refusal =>
  refuse('ZENHOOK_INGRESS_OVERLOADED', { retryAfterMs: 1_000, close: true })
const tooSlow = (): Refusal => refuse('ZENHOOK_INGRESS_TIMEOUT', { close: true })

/** Pieces of a body that are kept as they come; a body of more is copied together. */
const maxPieces = 8
const blockBytes = 16 * 1024

/**
 * Collects a body without keeping every piece: a sender may make each byte one of its own, and each is an object
 * of some hundred bytes then. Beside the bytes it holds one block at most.
 */
const createCollector = () => {
  const pieces: Buffer[] = []
  let block = Buffer.alloc(0)
  let used = 0
  return {
    add(chunk: Buffer): void {
      if (block.length === 0 && pieces.length < maxPieces) {
        pieces.push(chunk)
        return
      }
      for (let from = 0; from < chunk.length; ) {
        if (used === block.length) {
          if (used > 0) pieces.push(block)
          block = Buffer.allocUnsafeSlow(blockBytes)
          used = 0
        }
        const copied = chunk.copy(block, used, from)
        used += copied
        from += copied
      }
    },
    whole(size: number): Buffer {
      const [only] = pieces
      if (only !== undefined && pieces.length === 1 && used === 0) return only
      return Buffer.concat([...pieces, block.subarray(0, used)], size)
    },
  }
}

/**
 * The bytes as they came, or why not. The limit holds while reading, whatever was declared. The caller
 * gives the bytes back to the budget once it is done with them.
 */
export const readBody = (
  incoming: Readable,
  limits: BodyLimits,
  budget: Budget,
  client: string,
): Promise<Buffer | Refusal> =>
  new Promise((resolve) => {
    const collected = createCollector()
    let size = 0
    const startedAt = performance.now()
    let window = { from: startedAt, size: 0 }

    const finish = (result: Buffer | Refusal): void => {
      clearInterval(timer)
      incoming.off('data', onData)
      incoming.off('end', onEnd)
      incoming.off('error', onGone)
      incoming.off('close', onGone)
      if (!Buffer.isBuffer(result)) {
        budget.give(client, size)
        incoming.pause()
        // What still comes in, or goes wrong, is of no interest any more.
        incoming.on('error', () => {})
      }
      resolve(result)
    }
    const onData = (chunk: Buffer): void => {
      if (size + chunk.length > limits.maxBytes) finish(tooLarge())
      else if (!budget.take(client, chunk.length)) finish(noRoom())
      else {
        size += chunk.length
        collected.add(chunk)
      }
    }
    const onEnd = (): void => finish(collected.whole(size))
    const onGone = (): void =>
      finish(
        refuse('ZENHOOK_INGRESS_MALFORMED', {
          detail: 'The body ended before it was whole',
          close: true,
        }),
      )
    const onTick = (): void => {
      const time = performance.now()
      const tookMs = time - window.from
      if (time - startedAt >= limits.deadlineMs) finish(tooSlow())
      else if (tookMs > limits.graceMs) {
        if (size - window.size < (limits.minBytesPerSecond * tookMs) / 1000) finish(tooSlow())
        window = { from: time, size }
      }
    }
    const timer = setInterval(onTick, Math.min(500, limits.graceMs, limits.deadlineMs))
    incoming.on('data', onData)
    incoming.on('end', onEnd)
    incoming.on('error', onGone)
    incoming.on('close', onGone)
  })
