import { createHash } from 'node:crypto'
import type { Hono } from 'hono'
import { hasCode, messageOf } from '../core/errors/index.ts'
import type { Codec } from '../core/event/codec/index.ts'
import type { DecisionSet } from '../core/event/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { Log, NewRecord } from '../core/log/port.ts'
import { topicDefaults } from '../core/log/topics.ts'
import type { RegistryReader } from '../core/registry/port.ts'
import type { RateLimit } from '../core/registry/types.ts'
import { type Logger, type Metrics, silentLogger, type Tracer } from '../core/telemetry/index.ts'
import { type AppBindings, createApp } from './app.ts'
import { createAppender } from './append.ts'
import { type BodyLimits, bodyDefaults, createBudget } from './body.ts'
import { createGuard } from './guard.ts'
import type { HealthCheck } from './health.ts'
import { createNonces } from './nonce.ts'
import { type Conflict, createReceive } from './receive.ts'
import type { PublicServer } from './server.ts'
import type { VerifierFor } from './sources.ts'
import type { Spool } from './spool/spool.ts'
import { throttled } from './throttled.ts'
import { createUuidV7 } from './uuid.ts'

export { createKeyFetcher } from './keys.ts'
export { createVerifiers, type VerifierFor, type VerifiersOptions } from './sources.ts'
export { openSpool, type Spool, type SpoolOptions, type SpoolStats } from './spool/spool.ts'
export { createUuidV7 } from './uuid.ts'

export interface IngressOptions {
  registry: Pick<RegistryReader, 'snapshot' | 'caughtUp'>
  verifierFor: VerifierFor
  codec: Codec
  log: Pick<Log, 'append'>
  kv: Kv
  /** Taken over: closed with the ingress. Without it, an event that the log does not take is refused. */
  spool?: Spool
  metrics: Metrics
  logger?: Logger
  /** Absent where no spans are wanted. */
  tracer?: Tracer | undefined
  now?: () => number
  /** Its requests are ours from now on, and it is closed with the ingress; it may listen already. */
  server: PublicServer
  /** As senders see us, without a slash at the end. */
  publicUrl: string
  /** Readiness checks by name, beside our own. */
  checks?: Readonly<Record<string, HealthCheck>>
  body?: Partial<Omit<BodyLimits, 'maxBytes'>>
  /** Of all requests under way together, bytes. */
  maxBufferedBytes?: number
  /** `max.message.bytes` of the topics. */
  maxRecordBytes?: number
  drainPerSecond?: number
  failures?: RateLimit
  /** Bad signatures of one address at all sources together. */
  failuresAnywhere?: RateLimit
}

export interface Ingress {
  app: Hono<{ Bindings: AppBindings }>
  /** Stops accepting, finishes what is under way within the grace (ms), then closes the spool. */
  close(graceMs?: number): Promise<void>
}

const mebibyte = 1024 * 1024

export const createIngress = (options: IngressOptions): Ingress => {
  const { registry, verifierFor, codec, log, kv, spool, metrics, server, publicUrl } = options
  const { logger = silentLogger, now = Date.now } = options
  const background = new Set<Promise<unknown>>()
  const inBackground = (work: Promise<unknown>): void => {
    const tracked = work
      .catch((error: unknown) => logger.warn({ error: messageOf(error) }, 'could not be recorded'))
      .finally(() => background.delete(tracked))
    background.add(tracked)
  }

  const appender = createAppender({
    log,
    logger,
    ...(spool === undefined ? {} : { spool }),
    ...(options.drainPerSecond === undefined ? {} : { drainPerSecond: options.drainPerSecond }),
    onRejected: (record, error) => bury(record, error),
  })

  const bury = async (record: NewRecord, error: unknown): Promise<void> => {
    logger.error(
      { id: record.headers?.id, error: messageOf(error) },
      'the log will never take a spooled event: it goes to the dead letters',
    )
    for (const bytes of keptBytes) {
      const value = deadLetter(codec, record, error, now(), bytes)
      try {
        await log.append([{ topic: 'dead', key: record.key, value, headers: record.headers ?? {} }])
        return
      } catch (failure) {
        if (!hasCode(failure, 'ZENHOOK_LOG_RECORD_TOO_LARGE') || bytes === 0) throw failure
      }
    }
  }

  const receive = createReceive({
    registry,
    verifierFor,
    codec,
    nonces: createNonces({
      kv,
      now,
      onUnavailable: throttled(logger, 'warn', 'replay cannot be checked'),
    }),
    appender,
    guard: createGuard({
      now,
      ...(options.failures === undefined ? {} : { failures: options.failures }),
      ...(options.failuresAnywhere === undefined
        ? {}
        : { failuresAnywhere: options.failuresAnywhere }),
    }),
    budget: createBudget(options.maxBufferedBytes ?? 256 * mebibyte),
    metrics,
    logger,
    tracer: options.tracer,
    now,
    mintId: createUuidV7(now),
    publicUrl,
    body: { ...bodyDefaults, ...options.body },
    defaultMaxBody: mebibyte,
    maxRecordBytes: options.maxRecordBytes ?? topicDefaults.maxMessageBytes,
    inBackground,
    onConflict: (conflict) => inBackground(recordConflict(log, codec, conflict)),
  })

  const app = createApp({
    receive,
    checks: {
      registry: () => {
        registry.snapshot()
      },
      ...options.checks,
    },
    arrivalOf: server.arrivalOf,
    sendAndClose: server.sendAndClose,
    closing: server.closing,
    logger,
  })
  server.serve(app.fetch)

  const sample = (): void => {
    const stats = spool?.stats()
    if (stats === undefined) return
    metrics.spoolRecords.set(stats.records)
    metrics.spoolBytes.set(stats.bytes)
    if (stats.written > sampled) metrics.spooled.inc(stats.written - sampled)
    sampled = stats.written
    if (stats.lost.records > sampledLost) metrics.spoolLost.inc(stats.lost.records - sampledLost)
    sampledLost = stats.lost.records
  }
  let sampled = 0
  let sampledLost = 0
  const sampler = setInterval(sample, 1_000)
  sampler.unref()

  return {
    app,
    async close(graceMs = 10_000) {
      await server.close(graceMs)
      clearInterval(sampler)
      await appender.close()
      await Promise.all(background)
      sample()
      await spool?.close()
    },
  }
}

const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')

/** Of an event that the log does not take: as much of its head as the dead letters take. */
const keptBytes = [256 * 1024, 16 * 1024, 0]

const deadLetter = (
  codec: Codec,
  record: NewRecord,
  error: unknown,
  at: number,
  bytes: number,
): Uint8Array =>
  codec.encode('dead', {
    id: sha256(`spool ${record.headers?.id ?? ''}`).slice(0, 40),
    tenant: record.headers?.tenant ?? '',
    source: record.headers?.source ?? '',
    eventId: record.headers?.id ?? '',
    stage: 'ingress',
    code: 'ZENHOOK_LOG_RECORD_TOO_LARGE',
    message: messageOf(error),
    at,
    origin: { topic: record.topic, partition: -1, offset: -1 },
    originHeaders: record.headers ?? {},
    original: (record.value ?? new Uint8Array()).subarray(0, bytes),
  })

/** A decision beside the first event's own, so that its story tells of the request that was not stored. */
const recordConflict = async (
  log: Pick<Log, 'append'>,
  codec: Codec,
  conflict: Conflict,
): Promise<void> => {
  const { tenant, source, type, eventId, bodyDigest, at } = conflict
  const set: DecisionSet = {
    tenant,
    source,
    eventId,
    type,
    receivedAt: conflict.eventReceivedAt,
    run: 'live',
    decisions: [
      {
        id: sha256(`conflict ${eventId} ${bodyDigest}`).slice(0, 40),
        stage: 'ingress',
        verdict: 'pass',
        reason: 'conflict',
        at,
        tookMs: 0,
        details: { meaning: 'the same delivery id came again with another body; the first stands' },
      },
    ],
  }
  const value = codec.encode('decisions', set)
  const headers = { id: eventId, type, tenant, source }
  await log.append([{ topic: 'decisions', key: eventId, value, headers }])
}
