import type { TopicSpec } from './port.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Delay tiers: name and delay. Retries hop through the largest tier that fits what remains. */
export const tiers = [
  { name: '5s', delayMs: 5_000 },
  { name: '1m', delayMs: minute },
  { name: '10m', delayMs: 10 * minute },
  { name: '1h', delayMs: hour },
  { name: '6h', delayMs: 6 * hour },
] as const

export interface TopicOptions {
  /** Partitions of the event topics. */
  partitions: number
  /** How long `received` is kept: at least the replay horizon. */
  replayHorizonMs: number
  /** Explicit `max.message.bytes`; bounds `maxBody`. */
  maxMessageBytes: number
}

export const topicDefaults: TopicOptions = {
  partitions: 6,
  replayHorizonMs: 7 * day,
  maxMessageBytes: 8 * 1024 * 1024,
}

/** All topics of Zenhook, by logical name, with explicit partitions and retention. */
export const topics = (options: TopicOptions = topicDefaults): readonly TopicSpec[] => {
  const { partitions, replayHorizonMs, maxMessageBytes } = options
  const kept = (name: string, retentionMs: number): TopicSpec => ({
    name,
    partitions,
    retentionMs,
    maxMessageBytes,
  })
  return [
    kept('received', replayHorizonMs),
    kept('unique', day),
    kept('enriched', day),
    kept('scored', day),
    kept('dispatch', replayHorizonMs),
    ...tiers.map((tier) => kept(`dispatch.retry.${tier.name}`, tier.delayMs + 7 * day)),
    kept('dead', 30 * day),
    kept('decisions', replayHorizonMs),
    { name: 'registry', partitions: 1, retentionMs: -1, compacted: true, maxMessageBytes },
  ]
}

/** `zenhook.received.v1` */
export const fullTopicName = (prefix: string, name: string): string => `${prefix}.${name}.v1`
