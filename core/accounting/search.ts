import type { Codec } from '../event/codec/index.ts'
import type { Dead } from '../event/index.ts'
import type { Log, StoredRecord, TopicEnd } from '../log/port.ts'
import { placeOf, receivedTopic } from './receipts.ts'
import type { Marks } from './tide.ts'
import type { Flow } from './types.ts'

const liveRun = 'live'

/**
 * Which dispatches of these events lie in the log for their turn, of whatever run: put off by the log itself
 * or in a delay tier, or back in `dispatch` since. The ranges are taken so that none can slip from one to the other unseen.
 */
export const waitingDispatches = async (
  log: Log,
  codec: Codec,
  { deliver, delays }: Flow,
  marks: Marks,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> => {
  const found = new Set<string>()
  const look = async ({
    headers,
    value,
  }: Pick<StoredRecord, 'headers' | 'value'>): Promise<void> => {
    if (value === null || headers.id === undefined || !wanted.has(headers.id)) return
    found.add((await codec.decode('dispatch', value)).id)
  }
  const range = async (from: readonly TopicEnd[], topic: string): Promise<void> => {
    const starts = new Map(from.map(({ partition, next }) => [partition, next]))
    for (const { partition, first, next } of await log.ends(topic)) {
      const offset = Math.max(first, starts.get(partition) ?? first)
      if (offset >= next) continue
      for await (const record of log.read({ topic, partition, offset }, next, signal))
        await look(record)
    }
  }
  if (log.delayed !== undefined)
    for await (const record of log.delayed(deliver.topic, signal)) await look(record)
  for (const topic of delays.topics) {
    const starts = marks.tiers.filter((tier) => tier.topic === topic)
    await range(
      starts.map((tier) => ({ ...tier, next: tier.first })),
      topic,
    )
  }
  await range(marks.dispatch, deliver.topic)
  return found
}

/** A dead letter, as far as accounting asks. */
export type Letter = Pick<Dead, 'stage' | 'code' | 'dispatchId'> & { run: string }

const deadTopic = 'dead'

/** The dead letters of these events (or of records without an id, by their position), from there on. */
export const deadLettersOf = async (
  log: Log,
  codec: Codec,
  from: ReadonlyMap<number, number>,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Letter[]>> => {
  const found = new Map<string, Map<string, Letter>>()
  for (const { partition, first, next } of await log.ends(deadTopic)) {
    const offset = Math.max(first, from.get(partition) ?? first)
    if (offset >= next) continue
    for await (const { headers, value } of log.read(
      { topic: deadTopic, partition, offset },
      next,
      signal,
    )) {
      if (value === null || (headers.id !== undefined && !wanted.has(headers.id))) continue
      const dead = await codec.decode('dead', value)
      const { origin, stage, code, dispatchId } = dead
      const name =
        headers.id ??
        (origin.topic === receivedTopic ? placeOf(origin.partition, origin.offset) : '')
      if (!wanted.has(name)) continue
      const letters = found.get(name) ?? new Map<string, Letter>()
      found.set(name, letters)
      // A copy of a letter has the same id; so have the letters of two stages about one record.
      letters.set(`${stage} ${dead.id}`, { stage, code, dispatchId, run: headers.run ?? liveRun })
    }
  }
  return new Map([...found].map(([name, letters]) => [name, [...letters.values()]]))
}
