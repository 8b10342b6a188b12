import type { RateLimit } from '../../core/registry/types.ts'
import { awayMs, type Document, outrun } from './document.ts'
import { burstOf, createLocalRate, type Rate } from './rate.ts'

export interface Bucket {
  tokens: number
  /** When it held them, ms. */
  at: number
}

export interface SharedRateOptions {
  bucket: Document<Bucket>
  now: () => number
  random: () => number
}

/** Tokens are leased for this long of the rate at once, and given up when they lie unused for longer. */
const chunkMs = 200
const keepMs = 1_000
const lookAgainMs = 50

/**
 * A bucket that all processes draw from, a chunk at a time: an attempt finds its token in this process.
 * While keyed state is away, each process holds the rate by itself.
 */
export const createSharedRate = ({ bucket, now, random }: SharedRateOptions): Rate => {
  const local = createLocalRate()
  let held = 0
  let heldUntil = 0
  let emptyUntil = 0
  let awayUntil = 0
  let wanted = 0
  let asking: Promise<void> | undefined
  let isLocal = false

  const lease = async (limit: RateLimit): Promise<void> => {
    // All that want one now ask together.
    await new Promise((resolve) => setImmediate(resolve))
    const { perSecond } = limit
    const size = burstOf(limit)
    const chunk = Math.min(size, Math.max(1, Math.ceil((perSecond * chunkMs) / 1000)))
    const asked = Math.min(size, Math.max(chunk, wanted))
    wanted = 0
    let granted = 0
    let left = 0
    // Not all at the same time again, or the same one would always be first.
    const chance = 0.75 + random() / 2
    try {
      const made = await bucket.change((value) => {
        const at = Math.max(now(), value?.at ?? 0)
        const since = value === undefined ? 0 : at - value.at
        left =
          value === undefined ? size : Math.min(size, value.tokens + (since / 1000) * perSecond)
        granted = Math.min(asked, Math.floor(left))
        if (granted === 0) return undefined
        left -= granted
        return { tokens: left, at }
      })
      if (made === outrun) {
        emptyUntil = now() + lookAgainMs * chance
        return
      }
    } catch {
      awayUntil = now() + awayMs
      return
    }
    const at = now()
    held = (at < heldUntil ? held : 0) + granted
    heldUntil = at + keepMs
    if (granted < asked) emptyUntil = at + Math.ceil(((chunk - left) / perSecond) * 1000 * chance)
  }

  return {
    look(limit, at) {
      isLocal = at < awayUntil
      if (isLocal) return local.look(limit, at)
      if (held >= 1 && at < heldUntil) return 0
      if (at < emptyUntil) return emptyUntil
      wanted += 1
      asking ??= lease(limit).finally(() => {
        asking = undefined
      })
      return asking
    },
    take() {
      if (isLocal) local.take()
      else held -= 1
    },
  }
}
