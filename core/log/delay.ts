import type { Batch, Gap, Log, NewRecord, StoredRecord, Subscription } from './port.ts'
import { untilTick } from './tick.ts'
import { tiers as zenhookTiers } from './topics.ts'

/**
 * Delays for logs that have none of their own: topics whose records each wait the same time, so that
 * the head is always the first one due. A record hops through the largest tier that fits what remains.
 * It lies in the log all the while: no timer holds it, and a restart forgets nothing.
 */
export interface Tier {
  name: string
  delayMs: number
}

export interface TierOptions {
  /** Zenhook's own by default; shorter ones for tests. */
  tiers?: readonly Tier[]
  /** Topic of a tier by its name; `dispatch.retry.<name>` by default. */
  topicOf?: (name: string) => string
}

/** Header with the time before which the record must not reach its target, ms since the epoch. */
export const notBeforeHeader = 'not-before'
/** Header with the topic that the record goes to once it is due. */
export const targetHeader = 'delay-target'

const retryTopic = (name: string): string => `dispatch.retry.${name}`

/**
 * Records leave their tiers at ticks of one beat, ms: each time, a tier's partition is fetched again from its
 * first record that is not due, which is dear where many are due one after the other.
 */
const beatMs = 250

/** The first tick at this time or after it. */
const tickFrom = (at: number): number => at - 1 + untilTick(beatMs, at - 1)

/**
 * The largest tier that fits into what remains, else the smallest: a record is never early, and late
 * by at most the smallest tier's delay and a beat.
 */
export const tierFor = (tiers: readonly Tier[], remainingMs: number): Tier | undefined => {
  const ascending = [...tiers].sort((a, b) => a.delayMs - b.delayMs)
  return ascending.filter(({ delayMs }) => delayMs <= remainingMs).at(-1) ?? ascending[0]
}

const toTier = (
  record: NewRecord,
  notBefore: number,
  now: number,
  { tiers = zenhookTiers, topicOf = retryTopic }: TierOptions,
): NewRecord => {
  const tier = tierFor(tiers, notBefore - now)
  if (tier === undefined) return record
  return {
    ...record,
    topic: topicOf(tier.name),
    headers: {
      ...record.headers,
      [notBeforeHeader]: String(notBefore),
      [targetHeader]: record.topic,
    },
    timestamp: now,
  }
}

/** The record as it must be appended so that it reaches its topic at `notBefore` and not before. */
export const delayed = (
  log: Pick<Log, 'capabilities'>,
  record: NewRecord,
  notBefore: number,
  now: number,
  options: TierOptions = {},
): NewRecord => {
  if (notBefore <= now) return record
  if (log.capabilities.delayedRecords) return { ...record, notBefore }
  return toTier(record, notBefore, now, options)
}

export interface DelaysOptions extends TierOptions {
  /** `delay` by default. */
  group?: string
  /** Where a record goes that does not say; `dispatch` by default. */
  target?: string
  now?: () => number
  /** Records were removed from a tier before they were moved. */
  onGap?: (gap: Gap) => void
  onError?: (error: unknown) => void
}

/** Moves due records out of the tiers until it is closed. Does nothing where the log delays by itself. */
export const startDelays = async (
  log: Pick<Log, 'capabilities' | 'subscribe'>,
  options: DelaysOptions = {},
): Promise<Subscription> => {
  const { tiers = zenhookTiers, topicOf = retryTopic, group = 'delay', now = Date.now } = options
  if (log.capabilities.delayedRecords)
    return { close: () => Promise.resolve(), ready: () => Promise.resolve() }
  const delays = new Map(tiers.map((tier) => [topicOf(tier.name), tier.delayMs]))

  const notBeforeOf = (record: StoredRecord): number => {
    const said = Number(record.headers[notBeforeHeader])
    return Number.isFinite(said) ? said : 0
  }
  /** When a record leaves its tier: after the tier's delay, or sooner if it is due by then. */
  const leavesAt = (record: StoredRecord): number =>
    Math.min(notBeforeOf(record), record.timestamp + (delays.get(record.topic) ?? 0))

  const moved = (record: StoredRecord, at: number): NewRecord => {
    const { [notBeforeHeader]: _, [targetHeader]: said, ...headers } = record.headers
    const { key, value } = record
    const onward: NewRecord = { topic: said ?? options.target ?? 'dispatch', key, value, headers }
    const notBefore = notBeforeOf(record)
    return notBefore <= at ? onward : toTier(onward, notBefore, at, options)
  }

  const move = async (batch: Batch): Promise<{ redeliverAt: number } | undefined> => {
    const at = now()
    const early = batch.records.findIndex((record) => leavesAt(record) > at)
    const due = early < 0 ? batch.records : batch.records.slice(0, early)
    const last = due.at(-1)
    if (last !== undefined)
      await batch.settle(
        last,
        due.map((record) => moved(record, at)),
      )
    const head = early < 0 ? undefined : batch.records[early]
    return head === undefined ? undefined : { redeliverAt: tickFrom(leavesAt(head)) }
  }

  return log.subscribe(
    {
      group,
      topics: [...delays.keys()],
      ...(options.onGap !== undefined && { onGap: options.onGap }),
      ...(options.onError !== undefined && { onError: options.onError }),
    },
    move,
  )
}
