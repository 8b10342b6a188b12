import { setMaxListeners } from 'node:events'
import { isZenhookError, messageOf } from '../core/errors/index.ts'
import type { Codec } from '../core/event/codec/index.ts'
import type { Hash } from '../core/event/index.ts'
import type { Kv } from '../core/kv/port.ts'
import { startDelays } from '../core/log/delay.ts'
import type { Gap, Log, StoredRecord } from '../core/log/port.ts'
import type { Egress } from '../core/net/index.ts'
import type { RegistryReader, Secrets } from '../core/registry/port.ts'
import type { Logger, Metrics, Tracer } from '../core/telemetry/index.ts'
import { atMost } from '../core/time/limits.ts'
import { createCourier } from './delivery/courier.ts'
import { lineLength, seqOf } from './delivery/order.ts'
import { createWindow, type Window } from './delivery/window.ts'
import { connectors as allConnectors } from './index.ts'
import type { ConnectorKind, Publish, PutInBin } from './types.ts'

export interface DeliveryPolicy {
  /** Records under way at once, per partition; a quarter more for those that a flood would shut out. */
  window: number
  /** Records that may be taken in beyond the lowest unfinished one, per partition. */
  span: number
  /** Records that may wait for a place, per partition: how far a flood is looked past. */
  ahead: number
  /** Total time of one attempt, ms. */
  timeoutMs: number
  /** How long what is under way may still take when the process stops, ms. */
  graceMs: number
  /** Life of the record per dispatch: at least the replay horizon, ms. */
  recordTtlMs: number
  /** Ticks at which outputs go to the log together, ms apart. */
  lingerMs: number
  /** Dispatches of one key that may wait behind a failing one of an ordered destination. */
  maxParked: number
}

export const deliveryDefaults: DeliveryPolicy = {
  window: 64,
  span: 4_096,
  ahead: 1_000,
  timeoutMs: 15_000,
  graceMs: 10_000,
  recordTtlMs: 8 * 24 * 3_600_000,
  lingerMs: 100,
  maxParked: 500,
}

/** For connectors to end once their signal is aborted, ms. */
const cutMs = 2_000

export interface DeliveryOptions {
  log: Log
  codec: Codec
  kv: Kv
  registry: RegistryReader
  secrets: Secrets
  egress: Egress
  hash: Hash
  metrics: Metrics
  logger: Logger
  /** Absent where no spans are wanted. */
  tracer?: Tracer | undefined
  connectors?: readonly ConnectorKind[]
  publish?: Publish
  putInBin?: PutInBin
  policy?: Partial<DeliveryPolicy>
  /** Share of a tenant in the places of a partition, by its name; 1 by default. */
  weightOf?: (tenant: string) => number
  now?: () => number
  random?: () => number
}

export interface Delivery {
  /** Resolves once the group's partitions are assigned. */
  ready(): Promise<void>
  /** Takes no more, lets what is under way finish within the grace, settles, then stops. Idempotent. */
  close(): Promise<void>
}

/**
 * Delivers what lies in `dispatch`, and moves what waits in delay tiers, where the log has no delays of its own. Every record ends as delivered, dead, or as a later record of
 * the same dispatch; progress never passes one whose outputs are not in the log.
 */
export const startDelivery = async (options: DeliveryOptions): Promise<Delivery> => {
  const { log, metrics, logger } = options
  const policy = { ...deliveryDefaults, ...options.policy }
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal) // every attempt under way listens
  let closing = false
  const onError = (error: unknown): void => {
    if (closing) return
    const code = isZenhookError(error) ? error.code : 'internal'
    metrics.stageErrors.inc({ stage: 'deliver', code })
    logger.warn({ code, error: messageOf(error) }, 'delivery met an error and goes on')
  }
  const courier = createCourier({
    ...options,
    connectors: options.connectors ?? allConnectors,
    policy,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    signal: stopping.signal,
    closing: () => closing,
    onError,
  })

  const windows = new Map<number, Window>()
  const windowOf = (partition: number): Window => {
    const known = windows.get(partition)
    if (known !== undefined) return known
    const made = createWindow({
      limit: policy.window,
      span: policy.span,
      ahead: policy.ahead,
      ...(options.weightOf !== undefined && { weightOf: options.weightOf }),
      open: (record: StoredRecord) => courier.open(record),
      rankOf: seqOf,
      isStuck: (line) => courier.isStuck(line),
      behind: { key: lineLength, line: policy.ahead / 2 },
      handle: (record: StoredRecord, signal, dispatch, crowded) =>
        courier.carry(record, signal, dispatch, crowded),
      append: (records) => log.append(records),
      smaller: (output) => courier.smaller(output),
      lingerMs: policy.lingerMs,
      onError,
      closing: () => closing,
    })
    windows.set(partition, made)
    return made
  }

  const onGap = ({ topic, offset, until, partition, group }: Gap): void => {
    metrics.gaps.inc({ group, topic }, until - offset)
    logger.error({ topic, partition, offset, until }, 'records were removed before delivery')
  }
  const subscription = await log.subscribe(
    { group: 'connectors', topics: ['dispatch'], onGap, onError },
    async (batch) => {
      await windowOf(batch.partition).take(batch)
      return undefined
    },
  )

  const delays = await startDelays(log, { now: options.now ?? Date.now, onGap, onError })

  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    closing = true
    courier.wake()
    const idle = Promise.all([...windows.values()].map((window) => window.idle()))
    await atMost(policy.graceMs, idle)
    stopping.abort()
    // A connector that does not heed the signal must not keep the process: what it did is not settled.
    await atMost(cutMs, idle)
    await Promise.all([subscription.close(), delays.close(), courier.close()])
  }
  return {
    async ready() {
      await Promise.all([subscription.ready(), delays.ready()])
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}
