import type { Position } from '../event/index.ts'

/**
 * The log: ordered, durable, partitioned records, read by groups.
 *
 * Promises, kept by every adapter and shown by `contract.ts`:
 * - `append` resolves only once its records are durable; when it rejects, their fate is unknown
 *   (they may be in the log), and appending them again is right.
 * - Order holds per partition, and a key always lands in the same partition, but for records that say `unordered`.
 * - Every group sees every record at least once, from the oldest retained one on.
 * - Progress moves only by `settle`, never past an output that is not in the log.
 * - What was not settled comes back: after a crash, a takeover, or a handler that throws.
 * - Records that retention removed before a group read them are reported through `onGap`, never skipped in silence.
 *   A group has its place from its first assignment on, whether or not it has settled anything.
 */
export interface Log {
  readonly capabilities: LogCapabilities
  /** Creates missing topics as specified; never deletes; raises partitions never silently. Idempotent. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>
  /** Positions come index by index. Rejects with ZENHOOK_LOG_RECORD_TOO_LARGE, _UNKNOWN_TOPIC, _UNAVAILABLE or _CLOSED. */
  append(records: readonly NewRecord[]): Promise<readonly Position[]>
  subscribe(options: SubscribeOptions, onBatch: BatchHandler): Promise<Subscription>
  /**
   * Ranged and group-less: one partition, from `from` (inclusive) up to `to` (exclusive), or to the
   * end as it stands when the call is made. For replay, audit and single look-ups.
   */
  read(from: Position, to?: number, signal?: AbortSignal): AsyncIterable<StoredRecord>
  /**
   * Records of a topic that wait for their `notBefore`, soonest first, at the offset -1: for audit. Present
   * where `capabilities.delayedRecords`. One that comes due meanwhile may be missed: it is in the topic then.
   */
  delayed?(topic: string, signal?: AbortSignal): AsyncIterable<StoredRecord>
  /** First retained and next offset of every partition of a topic. */
  ends(topic: string): Promise<readonly TopicEnd[]>
  /**
   * Offset of the first record of a topic whose timestamp is at least this one, by partition; the next offset
   * where there is none. Exact, in whatever order timestamps lie; present where the log need not read for it.
   */
  since?(topic: string, timestamp: number): Promise<ReadonlyMap<number, number>>
  /** How far a group is behind, per partition of the topics it has settled or subscribed. */
  lag(group: string): Promise<readonly Lag[]>
  /** Rejects with ZENHOOK_LOG_UNAVAILABLE when appends would not work now. Cheap: for readiness checks. */
  ping(): Promise<void>
  /** Stops subscriptions, lets appends under way finish, releases everything. Idempotent. */
  close(): Promise<void>
}

export interface LogCapabilities {
  /** `settle` with outputs is one transaction. */
  atomicSettle: boolean
  /** Several processes may use it at once. */
  multiProcess: boolean
  survivesRestart: boolean
  /** `notBefore` is honoured by the log itself; otherwise by delay tiers (`core/log/delay.ts`). */
  delayedRecords: boolean
}

export interface TopicSpec {
  /** Logical name: `received`, `dispatch.retry.1m`; adapters add prefix and version. */
  name: string
  partitions: number
  /** Milliseconds; -1 keeps for ever. */
  retentionMs: number
  /** Keep the newest record per key; a `null` value removes the key. */
  compacted?: boolean
  maxMessageBytes: number
}

export interface NewRecord {
  topic: string
  /** `null` spreads over the partitions. */
  key: string | null
  /** `null` is a tombstone, for compacted topics only. */
  value: Uint8Array | null
  /** Nobody relies on the order of its key: an adapter may put it anywhere, where few and large batches gain from it. */
  unordered?: boolean
  /** The caller gives the bytes away and never changes them: the log need not copy them. */
  owned?: boolean
  headers?: Readonly<Record<string, string>>
  /** Milliseconds; the log's clock by default. */
  timestamp?: number
  /** Not to be handed out before, ms. Only where `capabilities.delayedRecords`. */
  notBefore?: number
}

export interface StoredRecord extends Position {
  key: string | null
  value: Uint8Array | null
  headers: Readonly<Record<string, string>>
  timestamp: number
}

export interface SubscribeOptions {
  group: string
  topics: readonly string[]
  /** Upper bound of one batch; adapters may hand out less. Default 500 records, 4 MiB. */
  maxRecords?: number
  maxBytes?: number
  /** How long a fetch may wait for more records, ms: few, large batches for readers in no hurry. 0 by default. */
  lingerMs?: number
  /** Progress lives with this subscription alone and starts at the oldest record: for snapshots. */
  ephemeral?: boolean
  /** Records were removed before this group read them. */
  onGap?: (gap: Gap) => void
  /** The handler threw, or the engine failed; the subscription goes on by itself. */
  onError?: (error: unknown) => void
}

/**
 * Resolving asks for the partition's next batch: that is the back-pressure. Settling is separate and
 * may come later, from outside the handler, as long as `batch.signal` is not aborted.
 * Rejecting, or resolving with `redeliverAt`, hands everything unsettled out again (after a pause).
 * At most one call per partition runs at a time; partitions run side by side.
 */
export type BatchHandler = (batch: Batch) => Promise<{ redeliverAt: number } | undefined>

export interface Batch {
  topic: string
  partition: number
  /** One partition, ascending offsets, never empty. Offsets may have holes (compaction, transactions). */
  records: readonly StoredRecord[]
  /** Aborted when the partition moves away or the subscription closes. */
  signal: AbortSignal
  /**
   * Appends the outputs and moves the group's progress past `through`, in that order or at once.
   * Rejects with ZENHOOK_LOG_NOT_OWNER once the partition has moved (then nothing was moved).
   * To be called one after the other: of two under way at once, an adapter may let the later one move
   * progress past the outputs of the earlier, which then fails.
   */
  settle(through: Position, outputs?: readonly NewRecord[]): Promise<void>
}

export interface Subscription {
  /** Stops fetching, aborts signals, waits for handlers under way. Idempotent. */
  close(): Promise<void>
  /** Resolves once the group's partitions are assigned and fetching runs. */
  ready(): Promise<void>
}

export interface TopicEnd {
  topic: string
  partition: number
  /** First retained offset. */
  first: number
  /** Offset that the next record will get. */
  next: number
}

export interface Lag extends Position {
  /** `offset` is the group's next; this many records wait behind it. */
  records: number
}

export interface Gap extends Position {
  /** Records `offset` up to here (exclusive) are gone. */
  until: number
  group: string
}
