import { randomUUID } from 'node:crypto'
import { isZenhookError, messageOf, ZenhookError } from '../../core/errors/index.ts'
import type { Dispatch } from '../../core/event/index.ts'
import { delayed } from '../../core/log/delay.ts'
import type { NewRecord, StoredRecord } from '../../core/log/port.ts'
import type { Destination } from '../../core/registry/types.ts'
import type { DeliveryOptions, DeliveryPolicy } from '../deliver.ts'
import type { AttemptResult, ConnectorKind } from '../types.ts'
import { attemptOnce, endedWithout, reasonOfError } from './attempt.ts'
import { createDisabled } from './disabled.ts'
import { createInstances, type Instance } from './instances.ts'
import { judge } from './judge.ts'
import { createLimits, type Limits, type Ticket } from './limits.ts'
import { createOutputs } from './outputs.ts'
import { createRecords, dispatchKey, type Ending, type Known, positionText } from './records.ts'
import { horizonOf, retryAfterCapMs } from './schedule.ts'
import { createTransforms } from './transform.ts'

export interface CourierOptions extends Omit<DeliveryOptions, 'connectors' | 'policy'> {
  connectors: readonly ConnectorKind[]
  policy: DeliveryPolicy
  now: () => number
  random: () => number
  /** Aborted when the grace is over: attempts are cut. */
  signal: AbortSignal
  closing(): boolean
  onError(error: unknown): void
}

export interface Courier {
  /** Resolves with the record's outputs, or `undefined` when it must come back. Never rejects. */
  carry(record: StoredRecord, owned: AbortSignal): Promise<readonly NewRecord[] | undefined>
  /** Ends all waiting, for a stop. */
  wake(): void
}

const patienceMs = 1_000
const lookAgainMs = 250
const leaseMarginMs = 5_000
const slowingStatuses = new Set([429, 502, 503, 504])

export const createCourier = (options: CourierOptions): Courier => {
  const { log, codec, kv, registry, policy, metrics, now, random, hash, signal } = options
  const owner = randomUUID()
  const transform = createTransforms()
  const records = createRecords(kv, policy.recordTtlMs)
  const disabled = createDisabled(kv, hash, now)
  const instances = createInstances(options.connectors, options.secrets, {
    ...options,
    timeoutMs: policy.timeoutMs,
  })
  const outputs = createOutputs({
    codec,
    hash,
    delay: (record, notBefore) => delayed(log, record, notBefore, now()),
  })
  const limits = new Map<string, Limits>()
  const limitsOf = ({ tenant, name }: Destination): Limits => {
    const key = `${tenant}/${name}`
    const known = limits.get(key)
    if (known !== undefined) return known
    const made = createLimits()
    limits.set(key, made)
    return made
  }

  const sleepers = new Set<() => void>()
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        sleepers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      sleepers.add(done)
    })
  const stopped = (owned: AbortSignal): boolean => options.closing() || owned.aborted

  /** Repeats what must not fail while the engine behind it is away. */
  const insist = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        return await work()
      } catch (error) {
        options.onError(error)
        if (signal.aborted || !isZenhookError(error) || !error.retriable) return undefined
        await sleep(pause)
      }
    }
  }

  interface Job {
    record: StoredRecord
    dispatch: Dispatch
    key: string
    position: string
    owned: AbortSignal
    /** Nothing was read about the dispatch yet, and most likely there is nothing. */
    unread: boolean
  }
  /** Outputs; `undefined` when the record must come back; `again` when what was known has changed. */
  type Round = readonly NewRecord[] | undefined | 'again'

  const count = (dispatch: Dispatch, destination: string, ending: Ending): void => {
    const connector = destination
    metrics.attempts.inc({ connector, outcome: ending.verdict })
    metrics.attemptSeconds.observe({ connector }, ending.tookMs / 1000)
    if (ending.verdict === 'delivered' && dispatch.run === 'live') {
      metrics.endToEndSeconds.observe({ connector }, (ending.at - dispatch.event.receivedAt) / 1000)
    }
  }

  /** Writes an ending down, so that it is known before its outputs are in the log. */
  const end = async (
    job: Job,
    attempt: number,
    ending: Ending,
    known: Known | undefined,
  ): Promise<Round> => {
    const { key, position, dispatch, record } = job
    const ended = { state: 'ended', attempt, position, ending } as const
    const written = await insist(() => records.write(key, ended, known))
    // Not written: another record of this dispatch went on meanwhile, or the process stops. Judge again.
    if (written === undefined) return 'again'
    if (ending.verdict === 'dead') {
      metrics.dead.inc({ stage: 'deliver', code: ending.code ?? 'ZENHOOK_CONNECTOR_REFUSED' })
    }
    return outputs.ending(record, dispatch, attempt, ending)
  }

  /** An end that no attempt can change, if there is one. */
  const hopeless = async (
    { dispatch }: Job,
    destination: Destination | undefined,
  ): Promise<Ending | undefined> => {
    const at = now()
    const name = `${dispatch.event.tenant}/${dispatch.destination}`
    if (destination === undefined) {
      const message = `Destination ${name} is not configured`
      const error = new ZenhookError('ZENHOOK_CONNECTOR_DESTINATION_UNKNOWN', { message })
      return endedWithout('unknown_destination', error, at)
    }
    if (at > dispatch.createdAt + horizonOf(destination)) {
      const message = `The dispatch to ${name} could not be delivered within its horizon`
      const error = new ZenhookError('ZENHOOK_CONNECTOR_EXPIRED', { message })
      return endedWithout('expired', error, at)
    }
    if (await disabled.isDisabled(destination)) {
      const message = `Destination ${name} is disabled`
      const error = new ZenhookError('ZENHOOK_CONNECTOR_DISABLED', { message })
      return endedWithout('destination_disabled', error, at)
    }
    return undefined
  }

  const learn = (
    limit: Limits,
    ticket: Ticket,
    result: AttemptResult,
    destination: Destination,
  ): void => {
    const at = now()
    if (result.kind === 'delivered' || result.cancelled) {
      limit.release(ticket, result.kind === 'delivered' ? 'succeeded' : 'cancelled', at)
      return
    }
    const { status, retryAfterMs } = result
    if (status !== undefined && slowingStatuses.has(status)) {
      const wished = retryAfterMs ?? (status === 429 ? patienceMs : 0)
      if (wished > 0) limit.pause(at + Math.min(wished, retryAfterCapMs))
    }
    const broken = result.retriable && (status === undefined || status >= 500)
    limit.release(ticket, broken ? 'failed' : 'refused', at)
    if (result.disable) {
      options.logger.warn(
        { tenant: destination.tenant, destination: destination.name },
        'the receiver wants no more: destination disabled',
      )
    }
  }

  const attempt = async (
    job: Job,
    destination: Destination,
    instance: Instance,
    possibleDuplicate: boolean,
    started: Known,
    ticket: Ticket,
  ): Promise<Round> => {
    const { dispatch, key, position } = job
    const number = dispatch.attempt + 1
    const connector = destination.connector
    metrics.inFlight.inc({ connector })
    const { ending, result } = await attemptOnce({
      ...{ destination, dispatch, number, possibleDuplicate, instance, now, random, signal },
      transform,
    })
    metrics.inFlight.dec({ connector })
    learn(limitsOf(destination), ticket, result, destination)
    if (ending === undefined) {
      // Cancelled: nobody needs to wait for us.
      const over = { state: 'started', attempt: number, position, owner, leaseUntil: 0 } as const
      await records.write(key, over, started).catch(options.onError)
      return undefined
    }
    count(dispatch, connector, ending)
    if (result.kind === 'failed' && result.disable) {
      await insist(() => disabled.disable(destination, result.reason))
    }
    return end(job, number, ending, started)
  }

  const round = async (job: Job): Promise<Round> => {
    const { dispatch, key, position, record, owned } = job
    const number = dispatch.attempt + 1
    // Nearly every first attempt meets no record: compare-and-set finds the others.
    const { unread } = job
    job.unread = false
    const known = unread ? undefined : await records.read(key)
    const verdict = judge(known, dispatch, record, {
      owner,
      multiProcess: kv.capabilities.multiProcess,
      now: now(),
    })
    if (verdict.kind === 'settled') return []
    if (verdict.kind === 'repeat') {
      return outputs.ending(record, dispatch, verdict.attempt, verdict.ending)
    }
    if (verdict.kind === 'wait') {
      await sleep(Math.min(lookAgainMs, Math.max(1, verdict.until - now())))
      return 'again'
    }
    const destination = registry.snapshot().destination(dispatch.event.tenant, dispatch.destination)
    const over = await hopeless(job, destination)
    if (over !== undefined || destination === undefined) {
      return over === undefined ? [] : end(job, 0, over, known)
    }
    let instance: Instance
    try {
      instance = instances(destination)
    } catch (error) {
      if (!isZenhookError(error)) throw error
      const ending = endedWithout(reasonOfError(error), error, now())
      return end(job, 0, ending, known)
    }

    const limit = limitsOf(destination)
    let admission = limit.admit(destination, now(), false)
    while (admission.kind === 'wait') {
      await sleep(Math.max(1, admission.until - now()))
      if (stopped(owned)) {
        limit.leave()
        return undefined
      }
      admission = limit.admit(destination, now(), true)
    }
    if (admission.kind === 'hop') {
      // Only what has not ended may leave its position: the outputs of an ending belong to it.
      if (unread && (await records.read(key)) !== undefined) return 'again'
      return [outputs.hop(record, admission.until)]
    }

    const leaseUntil = now() + policy.timeoutMs + leaseMarginMs
    const mark = { state: 'started', attempt: number, position, owner, leaseUntil } as const
    const started = await records.write(key, mark, known).catch((error: unknown) => {
      limit.release(admission.ticket, 'cancelled', now())
      throw error
    })
    if (started === undefined) {
      limit.release(admission.ticket, 'cancelled', now())
      return 'again'
    }
    const { ticket } = admission
    return attempt(job, destination, instance, verdict.possibleDuplicate, started, ticket)
  }

  const decode = async (record: StoredRecord): Promise<Dispatch | ZenhookError> => {
    try {
      return await codec.decode('dispatch', record.value ?? new Uint8Array())
    } catch (error) {
      if (isZenhookError(error) && error.retriable) throw error
      return new ZenhookError('ZENHOOK_STAGE_UNDECODABLE', { message: messageOf(error) })
    }
  }

  const run = async (
    record: StoredRecord,
    owned: AbortSignal,
  ): Promise<readonly NewRecord[] | undefined> => {
    if (record.value === null) return []
    const dispatch = await decode(record)
    if (dispatch instanceof ZenhookError) {
      metrics.dead.inc({ stage: 'deliver', code: dispatch.code })
      return [outputs.undecodable(record, dispatch, now())]
    }
    const early = dispatch.notBefore - now()
    if (early > patienceMs) return [outputs.hop(record, dispatch.notBefore)]
    if (early > 0) await sleep(early)
    const job: Job = {
      record,
      dispatch,
      unread: dispatch.attempt === 0,
      key: dispatchKey(dispatch),
      position: positionText(record),
      owned,
    }
    while (!stopped(owned)) {
      const made = await round(job)
      if (made !== 'again') return made
    }
    return undefined
  }

  return {
    async carry(record, owned) {
      for (let pause = 100; !stopped(owned); pause = Math.min(pause * 2, 5_000)) {
        try {
          return await run(record, owned)
        } catch (error) {
          // An engine is away, or we have a fault: the record keeps its place until it can be decided.
          options.onError(error)
          await sleep(pause)
        }
      }
      return undefined
    },
    wake() {
      for (const done of sleepers) done()
    },
  }
}
