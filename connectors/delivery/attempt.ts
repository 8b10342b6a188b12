import {
  type ErrorCode,
  isZenhookError,
  messageOf,
  type ZenhookError,
} from '../../core/errors/index.ts'
import type { Dispatch } from '../../core/event/index.ts'
import type { Destination } from '../../core/registry/types.ts'
import type { OpenSpan, Tracer } from '../../core/telemetry/index.ts'
import { clipped } from '../facts.ts'
import type { AttemptResult, Failed } from '../types.ts'
import type { Instance } from './instances.ts'
import type { Ending } from './records.ts'
import { delayAfter, horizonOf } from './schedule.ts'
import type { Transforms } from './transform.ts'

export interface AttemptOptions {
  destination: Destination
  dispatch: Dispatch
  number: number
  possibleDuplicate: boolean
  forced: boolean
  instance: Instance
  transform: Transforms
  tracer?: Tracer | undefined
  now: () => number
  random: () => number
  signal: AbortSignal
}

export interface Attempted {
  /** `undefined` when it was cancelled: nothing ended. */
  ending: Ending | undefined
  result: AttemptResult
}

const failedBy = (error: unknown, reason: string, retriable: boolean): Failed => ({
  kind: 'failed',
  ...{ reason, retriable },
  error: messageOf(error),
})

const perform = async (
  options: AttemptOptions,
  traceparent: string | undefined,
): Promise<AttemptResult> => {
  const { dispatch, number, forced, transform, instance, signal } = options
  let transformed: unknown
  if (dispatch.transform !== undefined) {
    try {
      transformed = await transform(dispatch.transform, dispatch.event)
    } catch (error) {
      // One that ran out of wall time may do better another time; one that fails does so again.
      return failedBy(error, 'transform_failed', isZenhookError(error) && error.retriable)
    }
  }
  try {
    const attempt = { dispatch, number, forced, transformed, traceparent }
    return await instance.connector.deliver(attempt, signal)
  } catch (error) {
    // A fault of ours must cost nobody an event: the schedule goes on, the decision says what it was.
    return failedBy(error, 'internal_error', true)
  }
}

const deadCode = (failed: Failed): ErrorCode => {
  if (failed.disable) return 'ZENHOOK_CONNECTOR_DISABLED'
  if (failed.reason === 'hop_limit') return 'ZENHOOK_CONNECTOR_HOP_LIMIT'
  if (failed.reason === 'transform_failed') return 'ZENHOOK_CONNECTOR_TRANSFORM_FAILED'
  return 'ZENHOOK_CONNECTOR_REFUSED'
}

/** What a failed attempt leads to: another one, or the end with its cause. */
const afterFailure = (
  { destination, dispatch, number, random }: AttemptOptions,
  failed: Failed,
  now: number,
): { verdict: 'retry'; nextAt: number } | { verdict: 'dead'; code: ErrorCode } => {
  if (!failed.retriable) return { verdict: 'dead', code: deadCode(failed) }
  const delay = delayAfter(destination, number, failed, random)
  if (delay === undefined) return { verdict: 'dead', code: 'ZENHOOK_CONNECTOR_EXHAUSTED' }
  const nextAt = now + delay
  return nextAt > dispatch.createdAt + horizonOf(destination)
    ? { verdict: 'dead', code: 'ZENHOOK_CONNECTOR_EXPIRED' }
    : { verdict: 'retry', nextAt }
}

/** What receivers say of it is as long as they like, and may be an echo. */
const told = (
  { instance }: AttemptOptions,
  details: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === 'string' ? instance.scrub(clipped(value, 300)) : value,
    ]),
  )

/** In the trace of the event, so that the receiver's own spans come below the attempt they answer. */
const openSpan = (tracer: Tracer, { dispatch, destination, number }: AttemptOptions): OpenSpan => {
  const { event } = dispatch
  return tracer.start({
    name: `deliver ${destination.connector}`,
    kind: destination.connector === 'kafka' ? 'producer' : 'client',
    parent: event.traceparent,
    tracestate: event.tracestate,
    attributes: {
      'zenhook.tenant': event.tenant,
      'zenhook.source': event.source,
      'zenhook.event.id': event.id,
      'zenhook.dispatch.id': dispatch.id,
      'zenhook.destination': destination.name,
      'zenhook.connector': destination.connector,
      'zenhook.attempt': number,
      'zenhook.run': dispatch.run,
    },
  })
}

/** One attempt and what follows from it. */
export const attemptOnce = async (options: AttemptOptions): Promise<Attempted> => {
  const { destination, possibleDuplicate, instance, now } = options
  const startedAt = performance.now()
  const span = options.tracer && openSpan(options.tracer, options)
  const result = await perform(options, span?.traceparent)
  span?.end({
    attributes: {
      'http.response.status_code': result.status,
      'zenhook.outcome': result.kind,
      'zenhook.reason': result.kind === 'failed' ? result.reason : undefined,
    },
    error: result.kind === 'failed' && result.cancelled !== true ? result.reason : undefined,
  })
  const tookMs = Math.round((performance.now() - startedAt) * 1000) / 1000
  if (result.kind === 'failed' && result.cancelled) return { ending: undefined, result }

  const at = now()
  const duplicate = possibleDuplicate || result.possibleDuplicate === true
  const details = {
    ...told(options, result.details ?? {}),
    connector: destination.connector,
    ...(result.status === undefined ? {} : { httpStatus: result.status }),
    ...(duplicate ? { possibleDuplicate: true } : {}),
  }
  if (result.kind === 'delivered') {
    const { externalId } = result
    return {
      result,
      ending: {
        verdict: 'delivered',
        reason: 'delivered',
        at,
        tookMs,
        details:
          externalId === undefined ? details : { ...details, ...told(options, { externalId }) },
      },
    }
  }
  const next = afterFailure(options, result, at)
  const error = instance.scrub(clipped(result.error, 500))
  const common = { reason: result.reason, at, tookMs }
  const ending: Ending =
    next.verdict === 'retry'
      ? { ...common, ...next, details: { ...details, error, nextAt: next.nextAt } }
      : { ...common, ...next, message: error, details: { ...details, error, code: next.code } }
  return { ending, result }
}

/** An end without an attempt: the configuration, or time, decided. */
export const endedWithout = (reason: string, error: ZenhookError, at: number): Ending => ({
  verdict: 'dead',
  reason,
  at,
  tookMs: 0,
  details: { code: error.code, error: error.message },
  code: error.code,
  message: error.message,
})

export const reasonOfError = (error: unknown): string => {
  if (!isZenhookError(error)) return 'internal_error'
  if (error.code === 'ZENHOOK_CONNECTOR_UNKNOWN') return 'unknown_connector'
  return error.code === 'ZENHOOK_CONNECTOR_CONFIG_INVALID' ? 'config_invalid' : 'internal_error'
}
