import type { Kv } from '../kv/port.ts'

/** What one ingress keeps in its spool: accepted, and not in the log yet. */
export interface SpoolState {
  records: number
  /** When it was told, ms. */
  at: number
}

const key = 'accounting:spools'
const lifeMs = 30 * 24 * 3_600_000
const mostSpools = 500

/**
 * Tells the others what lies in the spool of this process; `name` is the spool's own and stays with it over
 * restarts. The last word of a spool that still holds events stands until the spool speaks again.
 */
export const tellSpool = async (kv: Kv, name: string, state: SpoolState): Promise<void> => {
  for (;;) {
    const [text] = await kv.get([key])
    const all = parse(text)
    if (state.records === 0 && all.get(name) === undefined) return
    if (state.records === 0) all.delete(name)
    else all.set(name, state)
    const value = JSON.stringify([...all].slice(-mostSpools))
    const [written] = await kv.replace([{ key, value, ttlMs: lifeMs, expected: text }])
    if (written === true) return
  }
}

export const readSpools = async (kv: Kv): Promise<ReadonlyMap<string, SpoolState>> => {
  const [text] = await kv.get([key])
  return parse(text)
}

/** Events in all spools together. */
export const spooledEvents = async (kv: Kv): Promise<number> => {
  let sum = 0
  for (const { records } of (await readSpools(kv)).values()) sum += records
  return sum
}

const parse = (text: string | undefined): Map<string, SpoolState> =>
  new Map(text === undefined ? [] : (JSON.parse(text) as [string, SpoolState][]))
