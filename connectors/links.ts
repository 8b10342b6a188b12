import { isZenhookError } from '../core/errors/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { Attempt, Failed } from './types.ts'

/** What every connector that keeps links may give as its reason. */
export const linkReasons: Readonly<Record<string, string>> = {
  state_unavailable: 'The keyed state of Zenhook cannot be reached; the receiver has no part in it',
}

export interface Taken {
  /** The object; `undefined` for the right to make it. */
  id: string | undefined
  /** The link as it was read or written. */
  held: string
  /** It may have been made: who finds it may bind it, and nobody may make it for so long, ms: until the lease ends. */
  inDoubtMs?: number
}

/**
 * One external object per fingerprint, for receivers without idempotency keys: which object stands for
 * which problem, and how far a dispatch came with it.
 */
export interface Links {
  /**
   * The object of a fingerprint, or the right to make it, which nobody else has until the lease ends; in doubt where
   * an answer was lost, and for an owner whose earlier attempt left its lease; `undefined` while somebody else makes it.
   * An object that is `gone` at the receiver stands for nothing any more.
   */
  take(fingerprint: string, owner: string, gone?: string): Promise<Taken | undefined>
  /** The object was made or found. Whoever has the fingerprint by now keeps it. */
  bind(fingerprint: string, id: string, taken: Taken): Promise<void>
  /** The object was not made after all. Whoever has the fingerprint by now keeps it. */
  release(fingerprint: string, taken: Taken): Promise<void>
  /** Whether the object was made is not known. Whoever has the fingerprint by now keeps it. */
  doubt(fingerprint: string, taken: Taken): Promise<void>
  /** Whether a step of a dispatch was done by an earlier attempt; by one of the same run, where it is forced. */
  isDone(attempt: Attempt, step: string): Promise<boolean>
  done(attempt: Attempt, step: string): Promise<void>
}

const lifeMs = 400 * 24 * 3_600_000
const stepLifeMs = 8 * 24 * 3_600_000
const leaseMs = 30_000

type Lease = { owner: string; until: number; inDoubt?: true }
type Link = { id: string } | Lease

export const createLinks = (kv: Kv, namespace: string, now: () => number): Links => {
  const keyOf = (fingerprint: string): string => `link:${namespace}:${fingerprint}`
  const stepOf = ({ dispatch: { id, run }, forced }: Attempt, step: string): string =>
    `step:${namespace}:${forced ? `${id}:${run}` : id}:${step}`

  return {
    async take(fingerprint, owner, gone) {
      const key = keyOf(fingerprint)
      const [expected] = await kv.get([key])
      if (expected !== undefined) {
        const link = JSON.parse(expected) as Link
        if ('id' in link) {
          if (link.id !== gone) return { id: link.id, held: expected }
        } else if (link.until > now()) {
          const inDoubt = link.inDoubt === true || link.owner === owner
          const inDoubtMs = link.until - now()
          return inDoubt ? { id: undefined, held: expected, inDoubtMs } : undefined
        }
      }
      const held = JSON.stringify({ owner, until: now() + leaseMs })
      const [mine] = await kv.replace([{ key, value: held, ttlMs: lifeMs, expected }])
      return mine ? { id: undefined, held } : undefined
    },
    async bind(fingerprint, id, { held }) {
      const value = JSON.stringify({ id })
      await kv.replace([{ key: keyOf(fingerprint), value, ttlMs: lifeMs, expected: held }])
    },
    async release(fingerprint, { held }) {
      // There is no deletion on a condition: a lease that has ended does as well.
      const value = JSON.stringify({ owner: '', until: 0 })
      await kv.replace([{ key: keyOf(fingerprint), value, ttlMs: leaseMs, expected: held }])
    },
    async doubt(fingerprint, { held }) {
      // From now on: what was lost may show late, and the search for it later still.
      const { owner } = JSON.parse(held) as Lease
      const lease: Lease = { owner, until: now() + leaseMs, inDoubt: true }
      const value = JSON.stringify(lease)
      await kv.replace([{ key: keyOf(fingerprint), value, ttlMs: lifeMs, expected: held }])
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

const busy = ({ aborted }: AbortSignal, error: string): Failed => ({
  kind: 'failed',
  reason: 'busy',
  retriable: true,
  cancelled: aborted,
  error,
})

/** `take`, waiting for whoever makes the object now; a failure when that takes too long. */
export const takePatiently = async (
  links: Links,
  fingerprint: string,
  owner: string,
  patienceMs: number,
  signal: AbortSignal,
  gone?: string,
): Promise<Taken | { failed: Failed }> => {
  const startedAt = performance.now()
  for (;;) {
    const taken = await links.take(fingerprint, owner, gone)
    if (taken !== undefined) return taken
    if (signal.aborted || performance.now() - startedAt > patienceMs)
      return { failed: busy(signal, 'Another event of the same problem is making its object now') }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const lost = 'An answer was lost: whether there is an object of this problem is not known yet'

/** A lease ends by itself: what cannot be noted of it is no reason to hide what happened. */
const tried = (note: Promise<void>): Promise<void> => note.catch(() => undefined)

/**
 * The object of a fingerprint as the receiver has it, by `find`, which gets the id that is known; without one, the
 * right to make it, if that is wanted. Of all who see that a known object is gone, one gets the right, and the
 * others look again at what it made. A search may lag behind: one in vain is `busy` while an answer is lost.
 */
export const findLinked = async <T>(
  links: Links,
  fingerprint: string,
  { owner, makes }: { owner: string; makes: boolean },
  context: { readonly timeoutMs: number },
  signal: AbortSignal,
  find: (known: string | undefined) => Promise<{ ok: T | undefined } | { failed: Failed }>,
): Promise<{ found: T | undefined; taken: Taken } | { failed: Failed }> => {
  let gone: string | undefined
  for (;;) {
    const taken = await takePatiently(links, fingerprint, owner, context.timeoutMs, signal, gone)
    if ('failed' in taken) return taken
    const { inDoubtMs } = taken
    const isOurs = taken.id === undefined && inDoubtMs === undefined
    const giveBack = async (): Promise<void> => {
      if (isOurs) await tried(links.release(fingerprint, taken))
    }
    const seen = await find(taken.id).catch(async (error: unknown) => {
      await giveBack()
      throw error
    })
    if ('failed' in seen) {
      await giveBack()
      return seen
    }
    if (seen.ok === undefined && inDoubtMs !== undefined)
      return { failed: { ...busy(signal, lost), retryAfterMs: inDoubtMs } }
    if (seen.ok !== undefined || taken.id === undefined || !makes) return { found: seen.ok, taken }
    gone = taken.id
  }
}

/**
 * Makes the object. The next event of the problem need not wait where nothing was made; where nobody knows, or the
 * object has no id yet, it is looked for until the lease ends.
 */
export const makeLinked = async <T extends { ok: unknown } | { failed: Failed }>(
  links: Links,
  fingerprint: string,
  taken: Taken,
  make: () => Promise<T>,
): Promise<T> => {
  const made = await make().catch(async (error: unknown) => {
    const isUnsent = isZenhookError(error) && error.details.sent !== true
    await tried(isUnsent ? links.release(fingerprint, taken) : links.doubt(fingerprint, taken))
    throw error
  })
  if ('failed' in made && !made.failed.possibleDuplicate)
    await tried(links.release(fingerprint, taken))
  else if ('failed' in made || made.ok === undefined) await tried(links.doubt(fingerprint, taken))
  return made
}

/**
 * Notes what the receiver has done already. Where that cannot be noted it is delivered all the same, for another
 * attempt would do it twice; the mark says that a later event of the problem may.
 */
export const noted = async (note: () => Promise<void>): Promise<{ possibleDuplicate?: true }> => {
  try {
    await note()
    return {}
  } catch {
    return { possibleDuplicate: true }
  }
}
