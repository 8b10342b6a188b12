import type { Destination } from '../../core/registry/types.ts'
import type { Documents } from './document.ts'
import type { SharedLimits } from './limits.ts'
import { createSharedCircuit, type Trouble } from './shared-circuit.ts'
import { type Bucket, createSharedRate } from './shared-rate.ts'
import { createSlots, type Holdings } from './slots.ts'

export interface SharingOptions {
  documents: Documents
  /** Names this process. */
  owner: string
  now: () => number
  random: () => number
  /** Longer than any attempt, ms: what a process holds that is gone is free again after it. */
  leaseMs: number
}

/** Longer than anything that is remembered here matters, ms. */
const ttlMs = 600_000

/** What processes count together for one destination, in keyed state under its name. */
export const createSharedLimits = (
  { tenant, name }: Pick<Destination, 'tenant' | 'name'>,
  { documents, owner, now, random, leaseMs }: SharingOptions,
): SharedLimits & { close(): Promise<void> } => {
  const at = `${tenant}/${name}`
  const slots = createSlots({
    holdings: documents<Holdings>(`limit:slots:${at}`, ttlMs),
    ...{ owner, now, leaseMs },
  })
  return {
    rate: createSharedRate({
      bucket: documents<Bucket>(`limit:rate:${at}`, ttlMs),
      ...{ now, random },
    }),
    slots,
    circuit: (onClosed) =>
      createSharedCircuit({
        trouble: documents<Trouble>(`limit:trouble:${at}`, ttlMs),
        ...{ owner, now, leaseMs, onClosed },
      }),
    close: () => slots.close(),
  }
}
