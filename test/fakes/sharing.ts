import { afterEach, beforeEach, vi } from 'vitest'
import { createDocuments } from '../../connectors/delivery/document.ts'
import { createLimits, type Limits, type Ticket } from '../../connectors/delivery/limits.ts'
import { createSharedLimits } from '../../connectors/delivery/sharing.ts'
import { destinationOf, mapKv } from './rig.ts'

// The clock of every case of the file that imports this is the test's.
beforeEach(() => {
  vi.useFakeTimers({ now: 1_760_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

export const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)
/** What needs time to go by to come about. */
export const within = async <T>(ms: number, work: Promise<T>): Promise<T> => {
  const [made] = await Promise.all([work, pass(ms)])
  return made
}
export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms))
export const leaseMs = 20_000

/** Keyed state that counts its calls. */
export const countingKv = () => {
  const kv = mapKv(true)
  const calls = { count: 0 }
  /** What may be done to a compare-and-set: called before it; with false others were always faster. */
  const hooks: { replacing: (key?: string) => Promise<boolean> | boolean } = {
    replacing: () => true,
  }
  const get: typeof kv.get = (keys) => {
    calls.count += 1
    return kv.get(keys)
  }
  const replace: typeof kv.replace = async (entries) => {
    calls.count += 1
    const goes = hooks.replacing(entries[0]?.key)
    if (goes === true) return kv.replace(entries)
    return (await goes) ? kv.replace(entries) : entries.map(() => false)
  }
  const setAway = (away: boolean): void => {
    kv.away = away
  }
  return { kv: { ...kv, get, replace }, calls, hooks, setAway, values: kv.values }
}
export type CountingKv = ReturnType<typeof countingKv>

/** A destination's limits as one process holds them. */
export const processOf = (
  { kv }: CountingKv,
  owner: string,
  destination: ReturnType<typeof destinationOf>,
) => {
  const shared = createSharedLimits(destination, {
    documents: createDocuments(kv, Math.random),
    ...{ owner, now: Date.now, random: Math.random, leaseMs },
  })
  const limits = createLimits({ shared })
  let going = true
  const made: number[] = []
  /** As a courier does it: asks and waits as it is told; `undefined` when it is to come back later. */
  const admitted = async (): Promise<Ticket | undefined> => {
    let since: number | undefined
    for (;;) {
      const admission = limits.admit(destination, Date.now(), since)
      if (admission.kind === 'go') return admission.ticket
      if (admission.kind === 'hop') return undefined
      if (admission.kind === 'ask') await admission.answer
      else {
        since ??= Date.now()
        const { until } = admission
        await new Promise((resolve) => setTimeout(resolve, Math.max(1, until - Date.now())))
      }
    }
  }
  /** Attempts as fast as it is let, one after the other, each of so many ms. */
  const work = async (tookMs: number): Promise<void> => {
    while (going) {
      const ticket = await admitted()
      if (ticket === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        continue
      }
      made.push(Date.now())
      underWay.add(ticket)
      await new Promise((resolve) => setTimeout(resolve, tookMs))
      underWay.delete(ticket)
      limits.release(ticket, 'succeeded', Date.now())
    }
  }
  const underWay = new Set<Ticket>()
  const stop = (): void => {
    going = false
  }
  return { owner, limits, shared, admitted, work, made, underWay, stop }
}
export type Process = ReturnType<typeof processOf>

export const attempt = async (
  { admitted, limits }: Process,
  outcome: 'succeeded' | 'failed',
): Promise<boolean> => {
  const ticket = await admitted()
  if (ticket !== undefined) limits.release(ticket, outcome, Date.now())
  return ticket !== undefined
}
export const kindNow = async (limits: Limits, destination = destinationOf()): Promise<string> => {
  let admission = limits.admit(destination, Date.now())
  for (let asks = 0; admission.kind === 'ask' && asks < 5; asks += 1) {
    await within(20, admission.answer)
    admission = limits.admit(destination, Date.now())
  }
  if (admission.kind === 'go') limits.release(admission.ticket, 'cancelled', Date.now())
  if (admission.kind === 'wait') limits.leave()
  return admission.kind
}
