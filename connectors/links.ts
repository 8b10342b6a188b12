import type { Kv } from '../core/kv/port.ts'
import type { Attempt, Failed } from './types.ts'

/**
 * One external object per fingerprint, for receivers without idempotency keys: which object stands for
 * which problem, and how far a dispatch came with it.
 */
export interface Links {
  /**
   * The object of a fingerprint, or the right to make it, which nobody else has until the lease ends;
   * `undefined` while somebody else has it.
   */
  take(fingerprint: string, owner: string): Promise<{ id: string | undefined } | undefined>
  /** The object was made or found. */
  bind(fingerprint: string, id: string): Promise<void>
  /** The object is gone, or was not made after all. */
  release(fingerprint: string): Promise<void>
  /** Whether a step of a dispatch was done by an earlier attempt; by one of the same run, where it is forced. */
  isDone(attempt: Attempt, step: string): Promise<boolean>
  done(attempt: Attempt, step: string): Promise<void>
}

const lifeMs = 400 * 24 * 3_600_000
const stepLifeMs = 8 * 24 * 3_600_000
const leaseMs = 30_000

type Link = { id: string } | { owner: string; until: number }

export const createLinks = (kv: Kv, namespace: string, now: () => number): Links => {
  const keyOf = (fingerprint: string): string => `link:${namespace}:${fingerprint}`
  const stepOf = ({ dispatch: { id, run }, forced }: Attempt, step: string): string =>
    `step:${namespace}:${forced ? `${id}:${run}` : id}:${step}`

  return {
    async take(fingerprint, owner) {
      const key = keyOf(fingerprint)
      const [expected] = await kv.get([key])
      if (expected !== undefined) {
        const link = JSON.parse(expected) as Link
        if ('id' in link) return { id: link.id }
        if (link.until > now() && link.owner !== owner) return undefined
      }
      const value = JSON.stringify({ owner, until: now() + leaseMs })
      const [mine] = await kv.replace([{ key, value, ttlMs: lifeMs, expected }])
      return mine ? { id: undefined } : undefined
    },
    async bind(fingerprint, id) {
      await kv.set([{ key: keyOf(fingerprint), value: JSON.stringify({ id }), ttlMs: lifeMs }])
    },
    async release(fingerprint) {
      await kv.delete([keyOf(fingerprint)])
    },
    async isDone(attempt, step) {
      const [value] = await kv.get([stepOf(attempt, step)])
      return value !== undefined
    },
    async done(attempt, step) {
      await kv.set([{ key: stepOf(attempt, step), value: '1', ttlMs: stepLifeMs }])
    },
  }
}

const busy = ({ aborted }: AbortSignal): Failed => ({
  kind: 'failed',
  reason: 'busy',
  retriable: true,
  cancelled: aborted,
  error: 'Another event of the same problem is making its object now',
})

/** `take`, waiting for whoever makes the object now; a failure when that takes too long. */
export const takePatiently = async (
  links: Links,
  fingerprint: string,
  owner: string,
  patienceMs: number,
  signal: AbortSignal,
): Promise<{ id: string | undefined } | { failed: Failed }> => {
  const startedAt = performance.now()
  for (;;) {
    const taken = await links.take(fingerprint, owner)
    if (taken !== undefined) return taken
    if (signal.aborted || performance.now() - startedAt > patienceMs)
      return { failed: busy(signal) }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
