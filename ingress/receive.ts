import { hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { isZenhookError, messageOf } from '../core/errors/index.ts'
import type { Codec } from '../core/event/codec/index.ts'
import { parseData } from '../core/event/index.ts'
import type { RegistryReader } from '../core/registry/port.ts'
import type { Snapshot, Source } from '../core/registry/types.ts'
import type { Logger, Metrics, Tracer } from '../core/telemetry/index.ts'
import type { Appender } from './append.ts'
import { type BodyLimits, type Budget, readBody } from './body.ts'
import { decodeBody, refuseCoding } from './coding.ts'
import { buildEvent, recordOf } from './event.ts'
import type { Guard } from './guard.ts'
import { checkMedia, type Head, isJson, isRefusal } from './head.ts'
import type { Nonces, Turn } from './nonce.ts'
import { type Answer, problemAnswer, type Refusal, refuse } from './problems.ts'
import type { VerifierFor } from './sources.ts'
import { throttled } from './throttled.ts'
import { type RequestTrace, traceRequest } from './tracing.ts'
import type { Genuine, RawRequest, Verifier } from './verifiers/types.ts'

/** A request whose head was read; its body not yet. */
export interface Inbound {
  method: string
  /** Path and query as received. */
  target: string
  tenant: string
  source: string
  head: Head
  rawHeaders: readonly string[]
  /** Address of the client, as `clients.ts` has it. */
  remote: string
  requestId: string
  body: Readable
  /** Tells a sender that waits for it to go on (`Expect: 100-continue`). */
  proceed?(): void
}

export interface ReceiveDeps {
  registry: Pick<RegistryReader, 'snapshot' | 'caughtUp'>
  verifierFor: VerifierFor
  codec: Codec
  nonces: Nonces
  appender: Appender
  guard: Guard
  budget: Budget
  metrics: Metrics
  logger: Logger
  /** Absent where no spans are wanted. */
  tracer?: Tracer | undefined
  now: () => number
  mintId: () => string
  publicUrl: string
  body: Omit<BodyLimits, 'maxBytes'>
  /** Body limit of requests that belong to no source. */
  defaultMaxBody: number
  /** What a record of `received` may hold. */
  maxRecordBytes: number
  /** Work that the answer does not wait for, but the end of the process does. */
  inBackground(work: Promise<unknown>): void
  /** Tells that the same nonce came with another body. */
  onConflict(conflict: Conflict): void
}

/** A genuine request that repeats a delivery id with another body: nothing of it was stored. */
export interface Conflict {
  tenant: string
  source: string
  type: string
  /** The event that was stored first. */
  eventId: string
  eventReceivedAt: number
  bodyDigest: string
  at: number
}

/** What became known of a request on the way. */
interface Seen {
  provider: string
  trace: RequestTrace | undefined
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const holdLimitMs = 1_500
// Frame, record headers and batch overhead beside the value.
const recordMargin = 2_048

// Where a signed time ends a replay, the nonce has to outlive it; otherwise the window of duplicates decides.
const nonceLife = (verified: Genuine, windowMs: number): number =>
  verified.toleranceMs === undefined ? windowMs : Math.max(verified.nonceTtlMs, windowMs)

const notReady = (): Refusal => refuse('ZENHOOK_INGRESS_NOT_READY', { retryAfterMs: 2_000 })

const unauthorized = (): Refusal => refuse('ZENHOOK_INGRESS_UNAUTHORIZED')

const notAllowed = (methods: readonly string[]): Refusal =>
  refuse('ZENHOOK_INGRESS_METHOD_NOT_ALLOWED', { headers: { allow: methods.join(', ') } })

const accepted = (source: Source, id: string, requestId: string, duplicate: boolean): Answer => ({
  status: source.successStatus ?? 202,
  headers: { 'content-type': 'application/json', 'x-request-id': requestId },
  body: duplicate ? `{"id":"${id}","duplicate":true}` : `{"id":"${id}"}`,
})

/** One job: verify and append. Resolves with an answer whatever happens. */
export const createReceive = (deps: ReceiveDeps): ((inbound: Inbound) => Promise<Answer>) => {
  const { logger, metrics, guard, now } = deps

  const notStored = throttled(logger, 'error', 'events could not be stored')
  const noVerifier = throttled(logger, 'error', 'requests cannot be verified')

  const snapshot = (): Snapshot | Refusal => {
    try {
      return deps.registry.snapshot()
    } catch {
      return notReady()
    }
  }

  const read = async (inbound: Inbound, source: Source | undefined): Promise<Buffer | Refusal> => {
    const { head } = inbound
    const maxBytes = source?.maxBody ?? deps.defaultMaxBody
    if (inbound.method === 'POST' && !head.chunked && head.contentLength === undefined)
      return refuse('ZENHOOK_INGRESS_LENGTH_REQUIRED', { close: true })
    if ((head.contentLength ?? 0) > maxBytes)
      return refuse('ZENHOOK_INGRESS_BODY_TOO_LARGE', { close: true })
    const media = checkMedia(head.contentType)
    if (media !== undefined) return media
    if (head.coding !== undefined) {
      const refusal = refuseCoding(head.coding, source?.contentEncoding !== undefined)
      if (refusal !== undefined) return refusal
    }
    inbound.proceed?.()
    return readBody(inbound.body, { ...deps.body, maxBytes }, deps.budget, inbound.remote)
  }

  /** What the body holds, which is another than what was sent where that is compressed. */
  const decode = async (
    { head, remote }: Inbound,
    { maxBody }: Source,
    body: Buffer,
  ): Promise<Buffer | Refusal> => {
    if (!deps.budget.take(remote, maxBody))
      return refuse('ZENHOOK_INGRESS_OVERLOADED', { retryAfterMs: 1_000 })
    const content = await decodeBody(head.coding ?? '', body, maxBody)
    deps.budget.give(remote, maxBody - (Buffer.isBuffer(content) ? content.length : 0))
    return content
  }

  const rawRequest = (inbound: Inbound, body: Uint8Array): Writable<RawRequest> => {
    const { target, rawHeaders } = inbound
    const mark = target.indexOf('?')
    const headers: [string, string][] = []
    for (let at = 0; at < rawHeaders.length; at += 2)
      headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? ''])
    return {
      method: inbound.method,
      url: `${deps.publicUrl}${target}`,
      path: mark < 0 ? target : target.slice(0, mark),
      query: mark < 0 ? '' : target.slice(mark + 1),
      headers,
      body,
    }
  }

  const store = async (
    inbound: Inbound,
    source: Source,
    verifier: Verifier,
    verified: Genuine,
    body: Buffer,
    trace: RequestTrace | undefined,
  ): Promise<Answer | Refusal> => {
    const { head } = inbound
    const startedAt = performance.now()
    // What the verifier parsed is within the same bounds as what is parsed here.
    const data = verified.data ?? parseData(head.contentType, body)
    // Whatever calls itself JSON has to be JSON, for every later reader's sake.
    if (data === undefined && isJson(head.contentType))
      return refuse('ZENHOOK_INGRESS_MALFORMED', {
        detail: 'The body is not JSON, or has too many members or levels',
      })
    const receivedAt = now()
    const bodyDigest = hash('sha256', body, 'base64url')
    const id = deps.mintId()
    const event = buildEvent({
      id,
      traceparent: trace?.begin(id, { tenant: source.tenant, source: source.name }),
      receivedAt,
      source,
      verifier,
      verified,
      head,
      rawHeaders: inbound.rawHeaders,
      body,
      data,
      bodyDigest,
    })
    const holdMs = Math.min(holdLimitMs, verifier.patienceMs / 2)
    const begun = await deps.nonces.begin({
      tenant: source.tenant,
      source: source.name,
      nonce: verified.nonce,
      eventId: event.id,
      bodyDigest,
      receivedAt,
      reserveMs: Math.ceil(Math.min(verifier.patienceMs * 0.8, holdMs + 1_000)),
      lifeMs: nonceLife(verified, event.dedupeWindowMs),
      waitMs: holdMs,
    })
    if (begun.kind === 'stored') {
      trace?.note({ 'zenhook.event.id': begun.id, 'zenhook.duplicate': true })
      if (begun.bodyDigest !== bodyDigest)
        deps.onConflict({
          tenant: source.tenant,
          source: source.name,
          type: event.type,
          eventId: begun.id,
          eventReceivedAt: begun.receivedAt,
          bodyDigest,
          at: receivedAt,
        })
      return accepted(source, begun.id, inbound.requestId, true)
    }
    if (!begun.checked && source.replay === 'strict') {
      await begun.release()
      return refuse('ZENHOOK_INGRESS_REPLAY_UNCHECKED', { retryAfterMs: 1_000 })
    }
    const value = deps.codec.encode('event', event)
    if (value.length + recordMargin > deps.maxRecordBytes) {
      await begun.release()
      return refuse('ZENHOOK_INGRESS_BODY_TOO_LARGE')
    }
    // Half of the sender's patience is for what comes after the log: the spool, on a machine that has much to do.
    const leftMs = verifier.patienceMs / 2 - (performance.now() - startedAt)
    const record = recordOf(event, value, {
      checked: begun.checked,
      ordered: source.ordering !== undefined,
    })
    const sending = trace?.append(record, event.id)
    const failed = await append(begun, () =>
      deps.appender.append(record, Math.max(100, Math.min(holdMs, leftMs))),
    )
    sending?.end({ error: failed?.code })
    return failed ?? accepted(source, event.id, inbound.requestId, false)
  }

  /** Appends within a turn, and ends the turn as the append ended. */
  const append = async (turn: Turn, work: () => Promise<unknown>): Promise<Refusal | undefined> => {
    try {
      await work()
      // The answer need not wait for this: a retry that comes first meets the reservation.
      deps.inBackground(turn.confirm())
      return undefined
    } catch (error) {
      if (!isZenhookError(error)) {
        turn.abandon()
        throw error
      }
      if (error.details.unknown === true) turn.abandon()
      else await turn.release()
      if (error.code === 'ZENHOOK_LOG_RECORD_TOO_LARGE')
        return refuse('ZENHOOK_INGRESS_BODY_TOO_LARGE')
      notStored(error.cause ?? error)
      return refuse('ZENHOOK_INGRESS_UNAVAILABLE', {
        retryAfterMs: error.retryAfterMs ?? 5_000,
      })
    }
  }

  /** Who sends what cannot even be read is as good as one whose signature is wrong; that we have no room is our affair. */
  const unread = (inbound: Inbound, name: string, refusal: Refusal): Refusal => {
    if (refusal.code !== 'ZENHOOK_INGRESS_OVERLOADED') guard.failed(inbound.remote, name)
    return refusal
  }

  const verifierOf = async (source: Source, seen: Seen): Promise<Verifier> => {
    seen.provider = source.provider ?? 'custom'
    const verifier = await deps.verifierFor(source)
    seen.provider = verifier.provider
    return verifier
  }

  const handle = async (inbound: Inbound, seen: Seen): Promise<Answer | Refusal> => {
    const registry = snapshot()
    if (isRefusal(registry)) return registry
    const source = registry.source(inbound.tenant, inbound.source)
    // A snapshot from disk may lack it, and many senders never come again after a 404.
    if (source === undefined && !deps.registry.caughtUp()) return notReady()
    // Names that are nobody's share one key, or a prober could fill the limiter.
    const name = source === undefined ? '?' : `${source.tenant}/${source.name}`
    const { method } = inbound
    const verifier = source === undefined ? undefined : await verifierOf(source, seen)
    if (verifier !== undefined && !verifier.methods.includes(method))
      return notAllowed(verifier.methods)
    const admitted = guard.admit(inbound.remote, inbound.head, source, name)
    if (!admitted.ok) return admitted.refusal
    const body = method === 'GET' ? Buffer.alloc(0) : await read(inbound, source)
    if (!Buffer.isBuffer(body)) return unread(inbound, name, body)
    let held = body.length
    try {
      if (source === undefined || verifier === undefined) {
        // About as much work as a signature that does not match.
        hash('sha256', body)
        guard.failed(inbound.remote, name)
        return refuse('ZENHOOK_INGRESS_NOT_FOUND')
      }
      const request = rawRequest(inbound, body)
      let content = body
      if (inbound.head.coding !== undefined) {
        const decoded = await decode(inbound, source, body)
        if (!Buffer.isBuffer(decoded)) return unread(inbound, name, decoded)
        held += decoded.length
        content = decoded
        if (source.contentEncoding === 'decoded') request.body = content
        else request.content = content
      }
      const verified = await verifier.verify(request, now())
      if (!verified.ok) {
        guard.failed(inbound.remote, name)
        metrics.ingressRefused.inc({ provider: verifier.provider, reason: verified.reason })
        logger.debug(
          {
            request_id: inbound.requestId,
            tenant: source.tenant,
            source: source.name,
            reason: verified.reason,
            step: verified.step,
          },
          'refused',
        )
        return unauthorized()
      }
      if (verified.respond !== undefined) {
        const { status, headers, body: reply } = verified.respond
        return {
          status,
          headers: {
            'x-content-type-options': 'nosniff',
            ...headers,
            'x-request-id': inbound.requestId,
          },
          body: reply,
        }
      }
      // Only a handshake comes without a body.
      if (method === 'GET') return notAllowed(['POST'])
      const late = admitted.settle()
      if (late !== undefined) return late
      return await store(inbound, source, verifier, verified, content, seen.trace)
    } finally {
      deps.budget.give(inbound.remote, held)
    }
  }

  /** A known error here is a secret or a key that cannot be had now; anything else is ours. */
  const failed = (inbound: Inbound, error: unknown): Refusal => {
    const { requestId, tenant, source } = inbound
    if (isZenhookError(error)) {
      noVerifier(error, { tenant, source })
      return refuse('ZENHOOK_INGRESS_SECRET_UNAVAILABLE')
    }
    logger.error(
      {
        request_id: requestId,
        tenant,
        source,
        error: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      },
      'a request ended unexpectedly',
    )
    return refuse('ZENHOOK_INGRESS_INTERNAL')
  }

  return async (inbound) => {
    const startedAt = performance.now()
    const seen: Seen = {
      provider: 'none',
      trace: deps.tracer === undefined ? undefined : traceRequest(deps.tracer, inbound, now),
    }
    let result: Answer | Refusal
    try {
      result = await handle(inbound, seen)
    } catch (error) {
      result = failed(inbound, error)
    }
    const answer = isRefusal(result) ? problemAnswer(result, inbound.requestId) : result
    const status = String(answer.status)
    metrics.ingressRequests.inc({ status, provider: seen.provider })
    metrics.ingressSeconds.observe({ status }, (performance.now() - startedAt) / 1000)
    seen.trace?.end(answer.status, seen.provider)
    return answer
  }
}
