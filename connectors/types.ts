import type { ComponentSpec } from '../core/config/component.ts'
import type { Dispatch, Hash } from '../core/event/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { Egress } from '../core/net/index.ts'
import type { Destination } from '../core/registry/types.ts'

/** One try of a dispatch, as a connector gets it. */
export interface Attempt {
  dispatch: Dispatch
  /** From 1. */
  number: number
  /** Of the span of this attempt; made by the connector where it is absent. */
  traceparent?: string | undefined
  /** Of a replay that acts again on what the receiver has already. */
  forced?: boolean
  /** What the route's transform made of the event, a JSON value; absent without a transform. */
  transformed?: unknown
}

export interface Delivered {
  kind: 'delivered'
  status?: number
  /** The receiver's own id of what came of it: an issue key, a message's timestamp. */
  externalId?: string
  /** The receiver may have it twice from this one attempt. */
  possibleDuplicate?: boolean
  /** JSON values only; never a secret. */
  details?: Readonly<Record<string, unknown>>
}

export interface Failed {
  kind: 'failed'
  /** Declared by the connector's spec. */
  reason: string
  status?: number
  /** Another attempt may do better. */
  retriable: boolean
  /** The receiver's wish, as it gave it; policy caps it. */
  retryAfterMs?: number
  /** The receiver wants no more events at all. */
  disable?: boolean
  /** The receiver may have acted although the attempt failed. */
  possibleDuplicate?: boolean
  /** Cancelled from our side (shutdown, rebalance): no failure, never counted. */
  cancelled?: boolean
  /**
   * What happened, one sentence; with `…` where it was cut. An echo of a secret is taken out of it later, also half of
   * one before such a cut.
   */
  error: string
  details?: Readonly<Record<string, unknown>>
}

export type AttemptResult = Delivered | Failed

/**
 * Speaks one provider's protocol. Promises, shown by `contract.ts`:
 * - An attempt resolves with a result, whatever the receiver does; it rejects only for faults of our own.
 * - Every attempt of a dispatch carries the same idempotency key, where the protocol has one.
 * - Success is what the protocol calls success, not a status alone.
 * - An aborted signal ends it promptly, as `cancelled`.
 */
export interface Connector {
  deliver(attempt: Attempt, signal: AbortSignal): Promise<AttemptResult>
}

/** Publishes to a Kafka topic of the user's; resolves once the brokers acknowledged it. `resent`: it may lie there twice. */
export type Publish = (
  topic: string,
  key: string | null,
  headers: Readonly<Record<string, string>>,
  value: Uint8Array,
  /** `username:password` where the destination has a principal of its own. */
  options?: { sasl?: string },
) => Promise<{ partition?: number; offset?: number; resent?: boolean }>

/** A message as a receiver over HTTP gets it. */
export interface OutboundMessage {
  method: string
  headers: Readonly<Record<string, string>>
  body: Uint8Array
}

/** Puts a message into the bin of an id, else of a label, made on first use; gives the bin's id. */
export type PutInBin = (bin: { id?: string; label: string }, message: OutboundMessage) => string

/** All that a connector may touch, for one destination. */
export interface ConnectorContext {
  destination: Destination
  /** Present values of a role, resolved when they are needed. Empty when the role is not configured. */
  secrets(role: string): Promise<readonly string[]>
  egress: Egress
  kv: Kv
  now(): number
  hash: Hash
  /** Time of one attempt, ms; 0 when nothing is left of it. */
  timeoutMs: number
  /** Absent where this process has no Kafka to publish to. */
  publish?: Publish
  /** Absent where there is no built-in bin. */
  putInBin?: PutInBin
}

/** A connector as it is listed: what it declares, and how one is made for a destination. */
export interface ConnectorKind {
  readonly spec: ComponentSpec
  /** Throws ZENHOOK_CONNECTOR_CONFIG_INVALID. */
  create(context: ConnectorContext): Connector
}
