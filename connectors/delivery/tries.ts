import type { Destination } from '../../core/registry/types.ts'
import type { Logger, Metrics, Tracer } from '../../core/telemetry/index.ts'
import type { AttemptResult } from '../types.ts'
import { attemptOnce } from './attempt.ts'
import type { Disabled } from './disabled.ts'
import type { Endings, EndingsOptions } from './endings.ts'
import type { Instance } from './instances.ts'
import type { Job, Round } from './job.ts'
import type { Limits, Ticket } from './limits.ts'
import type { Ending, Known, Records } from './records.ts'
import { retryAfterCapMs } from './schedule.ts'
import type { Transforms } from './transform.ts'

export interface TriesOptions extends Pick<EndingsOptions, 'insist'> {
  records: Records
  endings: Endings
  disabled: Disabled
  transform: Transforms
  metrics: Metrics
  logger: Logger
  tracer?: Tracer | undefined
  now: () => number
  random: () => number
  /** Aborted when attempts must be cut. */
  signal: AbortSignal
  onError(error: unknown): void
}

export interface Try {
  job: Job
  destination: Destination
  instance: Instance
  limit: Limits
  ticket: Ticket
  possibleDuplicate: boolean
  /** The mark that it was started. */
  started: Known
}

/** Reasons of attempts that end before the receiver is asked: they say nothing about it, good or bad. */
export const unasked: ReadonlySet<string> = new Set([
  'transform_failed',
  'secret_unavailable',
  'state_unavailable',
  'hop_limit',
  'address_denied',
  'url_refused',
  'request_refused',
  'no_credentials',
  'no_channel',
  'no_bin',
  'busy',
  'unavailable',
])

const slowingStatuses = new Set([429, 502, 503, 504])
const shortPauseMs = 1_000

/** Makes an attempt, and draws the conclusions: for the destination's limits, the metrics and the dispatch. */
export const createTries = (options: TriesOptions): ((made: Try) => Promise<Round>) => {
  const { records, endings, disabled, metrics, now, random, signal } = options

  const learn = ({ limit, ticket }: Try, result: AttemptResult): void => {
    const at = now()
    if (result.kind === 'delivered') {
      limit.release(ticket, 'succeeded', at)
      return
    }
    const { status, retryAfterMs, reason } = result
    if (result.cancelled || (status === undefined && unasked.has(reason))) {
      limit.release(ticket, 'cancelled', at)
      return
    }
    if (status !== undefined && slowingStatuses.has(status)) {
      const wished = retryAfterMs ?? (status === 429 ? shortPauseMs : 0)
      if (wished > 0) limit.pause(at + Math.min(wished, retryAfterCapMs))
      limit.slow()
    }
    const broken = result.retriable && (status === undefined || status >= 500)
    limit.release(ticket, broken ? 'failed' : 'refused', at)
  }

  const count = ({ job: { dispatch }, destination }: Try, ending: Ending): void => {
    const { connector } = destination
    metrics.attempts.inc({ connector, outcome: ending.verdict })
    metrics.attemptSeconds.observe({ connector }, ending.tookMs / 1000)
    if (ending.verdict === 'delivered' && dispatch.run === 'live') {
      metrics.endToEndSeconds.observe({ connector }, (ending.at - dispatch.event.receivedAt) / 1000)
    }
  }

  return async (made) => {
    const { job, destination, instance, possibleDuplicate, started } = made
    const { dispatch, key } = job
    const number = dispatch.attempt + 1
    const { connector } = destination
    metrics.inFlight.inc({ connector })
    const { ending, result } = await attemptOnce({
      ...{ destination, dispatch, number, possibleDuplicate, instance, now, random, signal },
      forced: job.forced,
      transform: options.transform,
      tracer: options.tracer,
    })
    metrics.inFlight.dec({ connector })
    learn(made, result)
    if (ending === undefined) {
      // Cancelled: nobody needs to wait until our lease is over.
      const over = { ...started.record, leaseUntil: 0 }
      await records.write(key, over, started).catch(options.onError)
      return undefined
    }
    count(made, ending)
    if (result.kind === 'failed' && result.disable) {
      const { tenant, name } = destination
      options.logger.warn({ tenant, destination: name }, 'the receiver wants no more: disabled')
      await options.insist(() => disabled.disable(destination, result.reason))
    }
    return endings.end(job, number, ending, started)
  }
}
