import type { Kv } from '../../core/kv/port.ts'
import { createBatcher } from './batcher.ts'

/** Others changed it before us each time: keyed state is there, and nothing is changed. */
export const outrun = Symbol('outrun')

/**
 * A small value in keyed state that processes change together, by compare and set. What was last seen is
 * kept, so that a change costs one round trip while no other process changes it too.
 */
export interface Document<T> {
  /** Gives what is there afterwards. `undefined` from `edit` leaves it. Rejects when keyed state is away, and only then. */
  change(edit: (value: T | undefined) => T | undefined): Promise<T | undefined | typeof outrun>
  read(): Promise<T | undefined>
}

export type Documents = <T>(key: string, ttlMs: number) => Document<T>

const maxTries = 8
/** How likely it is read first again, though nobody was met this time. */
const stickiness = 0.8

const parse = <T>(text: string | undefined): T | undefined => {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as T
  } catch {
    return undefined
  }
}

/** Documents whose calls of one turn of the event loop share a round trip. */
export const createDocuments = (kv: Kv, random: () => number): Documents => {
  const get = createBatcher((keys: readonly string[]) => kv.get(keys))
  const replace = createBatcher(
    (entries: readonly { key: string; value: string; ttlMs: number; expected?: string }[]) =>
      kv.replace(entries.map((entry) => ({ ...entry, expected: entry.expected }))),
  )
  return (key, ttlMs) => {
    let seen: string | undefined
    /** Another process changed it between our last two changes: what is kept is most likely old. */
    let isShared = false
    return {
      async change(edit) {
        if (isShared) seen = await get(key)
        const isFresh = isShared
        for (let tries = 0; tries < maxTries; tries += 1) {
          const value = parse<Parameters<typeof edit>[0]>(seen)
          const next = edit(value)
          if (next === undefined && (isFresh || tries > 0)) return value
          if (next !== undefined) {
            const text = JSON.stringify(next)
            const written = await replace({
              ...{ key, value: text, ttlMs },
              ...(seen !== undefined && { expected: seen }),
            })
            if (written) {
              isShared = tries > 0 || (isFresh && random() < stickiness)
              seen = text
              return next
            }
            // Those that met here should not meet again.
            if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 1 + random() * 8))
          }
          // What was kept may be old: nothing is concluded from it.
          seen = await get(key)
        }
        return outrun
      },
      async read() {
        seen = await get(key)
        return parse(seen)
      },
    }
  }
}

/** For how long nobody asks keyed state after it was away, ms: each process then holds the limits alone. */
export const awayMs = 1_000
