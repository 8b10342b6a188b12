import type { Codec } from '../core/event/codec/index.ts'
import type { Dead } from '../core/event/index.ts'
import type { Log } from '../core/log/port.ts'

/** A dead letter as the API shows it; `original` (base64) only when one is asked for. */
export interface DeadLetter {
  id: string
  tenant: string
  source: string
  eventId: string
  destination?: string
  stage: string
  code: string
  message: string
  at: string
  origin: Dead['origin']
  originHeaders: Readonly<Record<string, string>>
  original?: string
}

const shown = (dead: Dead, whole: boolean): DeadLetter => ({
  id: dead.id,
  tenant: dead.tenant,
  source: dead.source,
  eventId: dead.eventId,
  ...(dead.destination === undefined ? {} : { destination: dead.destination }),
  stage: dead.stage,
  code: dead.code,
  message: dead.message,
  at: new Date(dead.at).toISOString(),
  origin: dead.origin,
  originHeaders: dead.originHeaders,
  ...(whole ? { original: Buffer.from(dead.original).toString('base64') } : {}),
})

/** The topic `dead` read back from its end: newest first, within a bound of records looked at. */
async function* newest(log: Log, codec: Codec, lookAt: number): AsyncIterable<Dead> {
  const letters: Dead[] = []
  for (const { topic, partition, first, next } of await log.ends('dead')) {
    const from = Math.max(first, next - lookAt)
    if (from >= next) continue
    for await (const record of log.read({ topic, partition, offset: from }, next)) {
      if (record.value !== null) letters.push(await codec.decode('dead', record.value))
    }
  }
  yield* letters.sort((a, b) => b.at - a.at)
}

const lookAt = 5_000

export const listDead = async (
  log: Log,
  codec: Codec,
  filter: { tenant?: string; code?: string; limit: number },
): Promise<readonly DeadLetter[]> => {
  const found = new Map<string, DeadLetter>()
  for await (const dead of newest(log, codec, lookAt)) {
    if (filter.tenant !== undefined && dead.tenant !== filter.tenant) continue
    if (filter.code !== undefined && dead.code !== filter.code) continue
    // A copy of a dead letter has the same id: it is shown once.
    if (!found.has(dead.id)) found.set(dead.id, shown(dead, false))
    if (found.size >= filter.limit) break
  }
  return [...found.values()]
}

export const getDead = async (
  log: Log,
  codec: Codec,
  id: string,
): Promise<DeadLetter | undefined> => {
  for await (const dead of newest(log, codec, lookAt)) if (dead.id === id) return shown(dead, true)
  return undefined
}
