import type { Hash } from '../../core/event/index.ts'
import type { Kv } from '../../core/kv/port.ts'
import type { Destination } from '../../core/registry/types.ts'

/** Destinations whose receivers said that they want no more (410). A changed configuration enables again. */
export interface Disabled {
  isDisabled(destination: Destination): Promise<boolean>
  disable(destination: Destination, reason: string): Promise<void>
}

const lifeMs = 90 * 24 * 3_600_000
const freshMs = 5_000

export const disabledKey = ({ tenant, name }: Pick<Destination, 'tenant' | 'name'>): string =>
  `disabled:${tenant}/${name}`

export const createDisabled = (kv: Kv, hash: Hash, now: () => number): Disabled => {
  const cache = new Map<string, { value: string | undefined; readAt: number }>()
  const fingerprints = new WeakMap<Destination, string>()

  const fingerprintOf = (destination: Destination): string => {
    const known = fingerprints.get(destination)
    if (known !== undefined) return known
    const made = hash(
      // An incoming webhook's whole address is a secret: another reference is another address.
      JSON.stringify([destination.connector, destination.config, destination.secrets]),
    )
    fingerprints.set(destination, made)
    return made
  }

  return {
    async isDisabled(destination) {
      if (destination.disabled) return true
      const key = disabledKey(destination)
      let entry = cache.get(key)
      if (entry === undefined || now() - entry.readAt > freshMs) {
        const [value] = await kv.get([key])
        entry = { value, readAt: now() }
        cache.set(key, entry)
      }
      if (entry.value === undefined) return false
      const { fingerprint } = JSON.parse(entry.value) as { fingerprint: string }
      return fingerprint === fingerprintOf(destination)
    },
    async disable(destination, reason) {
      const key = disabledKey(destination)
      const value = JSON.stringify({
        fingerprint: fingerprintOf(destination),
        reason,
        at: now(),
      })
      cache.set(key, { value, readAt: now() })
      await kv.set([{ key, value, ttlMs: lifeMs }])
    },
  }
}
