import type { Kv } from '../kv/port.ts'

export interface LeaseOptions {
  kv: Kv
  key: string
  /** Names this process and its life. */
  owner: string
  /** How long it is held without a word of its holder, ms. */
  leaseMs: number
}

/** At most one process holds it; it falls free when its holder is silent for too long. */
export interface Lease {
  /** Takes or prolongs it; says whether it is ours now. */
  hold(): Promise<boolean>
  /** Gives it up, so that another need not wait. */
  release(): Promise<void>
}

const nobody = ''

export const createLease = ({ kv, key, owner, leaseMs }: LeaseOptions): Lease => ({
  async hold() {
    const [holder] = await kv.get([key])
    if (holder !== undefined && holder !== owner && holder !== nobody) return false
    const [won] = await kv.replace([{ key, value: owner, ttlMs: leaseMs, expected: holder }])
    return won === true
  },
  async release() {
    // Unless somebody else has it by now.
    await kv.replace([{ key, value: nobody, ttlMs: leaseMs, expected: owner }])
  },
})
