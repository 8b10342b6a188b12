import { randomUUID } from 'node:crypto'
import { isZenhookError, messageOf, ZenhookError } from '../../core/errors/index.ts'
import { type Dispatch, forceHeader } from '../../core/event/index.ts'
import { delayed } from '../../core/log/delay.ts'
import type { NewRecord, StoredRecord } from '../../core/log/port.ts'
import type { Destination } from '../../core/registry/types.ts'
import type { DeliveryOptions, DeliveryPolicy } from '../deliver.ts'
import type { ConnectorKind } from '../types.ts'
import { endedWithout, reasonOfError } from './attempt.ts'
import { createDisabled } from './disabled.ts'
import { createDocuments } from './document.ts'
import { createEndings } from './endings.ts'
import type { Owner } from './fair.ts'
import { createInstances, type Instance } from './instances.ts'
import type { Job, Round } from './job.ts'
import { judge } from './judge.ts'
import { type Admission, createLimits, type Limits } from './limits.ts'
import { createOrder, placeOf, seqHeader } from './order.ts'
import { createOutputs } from './outputs.ts'
import { createOversize, type Oversize } from './oversize.ts'
import { bearerOf, createRecords, dispatchKey, hadOf, type Known, positionText } from './records.ts'
import { lookAgainAt } from './schedule.ts'
import { createSharedLimits } from './sharing.ts'
import { createTransforms } from './transform.ts'
import { createTries } from './tries.ts'

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
  /** Whose a record is; decoded, where that can be done at once. */
  open(record: StoredRecord): Owner & { opened: Dispatch | undefined }
  /** A destination whose attempts hang: what comes for it is put off. */
  isStuck(line: string): boolean
  /**
   * Resolves with the record's outputs, or `undefined` when it must come back. A record that has no place among those
   * that wait for others of its key does not wait here: `wait` where nothing before it waits in the log. Never rejects.
   */
  carry(
    record: StoredRecord,
    owned: AbortSignal,
    opened: Dispatch | undefined,
    crowded: boolean,
  ): Promise<readonly NewRecord[] | 'wait' | undefined>
  /** What is written instead of an output of `carry` that its topic does not take. */
  smaller: Oversize['smaller']
  /** Ends all waiting, for a stop. */
  wake(): void
  /** Gives back what it holds of limits that processes share. */
  close(): Promise<void>
}

/** What is due within this time waits in the window, not in the log. */
const patienceMs = 1_000
const lookAgainMs = 250
/** Rounds of those that wait for their turn: by the smallest delay tier, or where the log knows any delay. */
const tierRoundMs = 5_000
const shortRoundMs = 1_000
const leaseMarginMs = 5_000

const lineOf = (tenant: string, destination: string): string => `${tenant}/${destination}`

export const createCourier = (options: CourierOptions): Courier => {
  const { log, codec, kv, registry, policy, now, hash, signal } = options
  const owner = randomUUID()
  const ttlMs = policy.recordTtlMs
  const records = createRecords(kv, ttlMs)
  const order = createOrder(kv, records, {
    ...{ ttlMs, now, maxParked: policy.maxParked },
    roundMs: log.capabilities.delayedRecords ? shortRoundMs : tierRoundMs,
  })
  /** Keys of the dispatches that this process is attempting. */
  const underWay = new Set<string>()
  const disabled = createDisabled(kv, hash, now)
  const delay = (record: NewRecord, notBefore: number): NewRecord =>
    delayed(log, record, notBefore, now())
  const outputs = createOutputs({ codec, hash, delay })
  const oversize = createOversize({ ...options, outputs, order })
  const instances = createInstances(options.connectors, options.secrets, {
    ...options,
    timeoutMs: policy.timeoutMs,
  })

  const limits = new Map<string, Limits>()
  const documents = createDocuments(kv, options.random)
  const leaseMs = policy.timeoutMs + leaseMarginMs
  const closers: (() => Promise<void>)[] = []
  const limitsOf = (destination: Destination): Limits => {
    const key = lineOf(destination.tenant, destination.name)
    const known = limits.get(key)
    if (known !== undefined) return known
    const shared = kv.capabilities.multiProcess
      ? createSharedLimits(destination, {
          ...{ documents, owner, now, leaseMs },
          random: options.random,
        })
      : undefined
    if (shared !== undefined) closers.push(() => shared.close())
    const made = createLimits(shared === undefined ? {} : { shared })
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
      const timer = setTimeout(done, Math.max(1, ms))
      sleepers.add(done)
    })
  const stopped = (owned: AbortSignal): boolean => options.closing() || owned.aborted

  const insist = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        return await work()
      } catch (error) {
        options.onError(error)
        // Whatever the fault: given up, the record would stay unfinished, and hold up its partition, until a restart.
        if (signal.aborted) return undefined
        await sleep(pause)
      }
    }
  }

  const endings = createEndings({ ...options, records, outputs, order, disabled, insist })
  const attempt = createTries({
    ...{ ...options, records, endings, disabled, insist },
    transform: createTransforms(),
  })

  /** Lets the record through, waiting for a moment where that is enough. */
  const admitted = async (
    { owned }: Job,
    destination: Destination,
    limit: Limits,
  ): Promise<Extract<Admission, { kind: 'go' | 'hop' }> | undefined> => {
    const since = now()
    let waits = false
    let admission = limit.admit(destination, since)
    while (admission.kind === 'wait' || admission.kind === 'ask') {
      if (admission.kind === 'ask') await admission.answer
      else {
        waits = true
        await sleep(admission.until - now())
      }
      if (stopped(owned)) {
        if (waits) limit.leave()
        return undefined
      }
      admission = limit.admit(destination, now(), waits ? since : undefined)
    }
    return admission
  }

  const send = async (
    job: Job,
    destination: Destination,
    instance: Instance,
    known: Known | undefined,
    possibleDuplicate: boolean,
  ): Promise<Round> => {
    const limit = limitsOf(destination)
    const admission = await admitted(job, destination, limit)
    if (admission === undefined) return undefined
    if (admission.kind === 'hop') return endings.hop(job, admission.until, known, admission.until)
    const { ticket } = admission
    const { key, position, dispatch } = job
    const leaseUntil = now() + leaseMs
    const mark = {
      attempt: dispatch.attempt + 1,
      position,
      owner,
      leaseUntil,
      ...bearerOf(dispatch),
      ...hadOf(known),
    }
    const started = await records
      .write(key, { state: 'started', ...mark }, known)
      .catch((error: unknown) => {
        limit.release(ticket, 'cancelled', now())
        throw error
      })
    if (started === undefined) {
      limit.release(ticket, 'cancelled', now())
      return 'again'
    }
    underWay.add(key)
    try {
      const made = await attempt({
        job,
        destination,
        instance,
        limit,
        ticket,
        possibleDuplicate,
        started,
      })
      // What the store knew of it is gone: it will say that nothing was attempted.
      if (made === 'again') job.attempted = true
      return made
    } finally {
      underWay.delete(key)
    }
  }

  const round = async (job: Job): Promise<Round | 'wait'> => {
    const { dispatch, key, record, place } = job
    const early = dispatch.notBefore - now()
    if (early > 0 && early <= patienceMs) {
      await sleep(early)
      // A stop ends the sleep before its time.
      if (stopped(job.owned)) return undefined
    }
    // Nearly every first attempt meets no record: compare-and-set finds the others.
    const known = job.unread ? undefined : await records.read(key)
    const { multiProcess } = kv.capabilities
    const verdict = judge(known, dispatch, record, {
      owner,
      multiProcess,
      underWay: underWay.has(key),
      now: now(),
      forced: job.forced,
    })
    if (verdict.kind === 'settled') return []
    if (verdict.kind === 'has') return endings.has(job, verdict.run, verdict.at)
    if (verdict.kind === 'repeat') return endings.repeat(job, verdict.attempt, verdict.ending)
    if (verdict.kind === 'wait') {
      await sleep(Math.min(lookAgainMs, verdict.until - now()))
      return 'again'
    }
    const snapshot = registry.snapshot()
    const destination = snapshot.destination(dispatch.event.tenant, dispatch.destination)
    if (destination === undefined) {
      const again = lookAgainAt(dispatch, snapshot.revision, now())
      if (again !== undefined) {
        // What comes after it waits for it; where too many wait it goes without a place, for that is no reason to die.
        if (place !== undefined && !(await order.turn(place)).parked) await order.park(place, again)
        return endings.hop(job, again, known)
      }
    }
    const over = await endings.hopeless(job, destination)
    if (over !== undefined || destination === undefined) {
      return over === undefined ? [] : endings.end(job, 0, over, known)
    }
    let instance: Instance
    try {
      instance = instances(destination)
    } catch (error) {
      if (!isZenhookError(error)) throw error
      const ending = endedWithout(reasonOfError(error), error, now())
      return endings.end(job, 0, ending, known)
    }
    if (early > patienceMs) return endings.hop(job, dispatch.notBefore, known)
    if (place !== undefined) {
      const turn = await order.turn(place)
      job.parked = turn.parked
      if (turn.until !== undefined) return endings.hop(job, turn.until, known)
      if (job.crowded) return 'wait'
    }
    return send(
      job,
      destination,
      instance,
      known,
      verdict.possibleDuplicate || job.attempted === true,
    )
  }

  /** Until it succeeds or the process stops: an engine is away, or we have a fault. */
  const persist = async <T>(
    owned: AbortSignal,
    work: () => Promise<T | 'again'>,
  ): Promise<T | undefined> => {
    let pause = 100
    while (!stopped(owned)) {
      try {
        const made = await work()
        if (made !== 'again') return made
      } catch (error) {
        options.onError(error)
        await sleep(pause)
        pause = Math.min(pause * 2, 5_000)
      }
    }
    return undefined
  }

  const decode = async (record: StoredRecord): Promise<Dispatch | ZenhookError> => {
    try {
      return await codec.decode('dispatch', record.value ?? new Uint8Array())
    } catch (error) {
      if (isZenhookError(error) && error.retriable) throw error
      return new ZenhookError('ZENHOOK_STAGE_UNDECODABLE', { message: messageOf(error) })
    }
  }

  const jobOf = (
    record: StoredRecord,
    dispatch: Dispatch,
    { owned, crowded }: Pick<Job, 'owned' | 'crowded'>,
  ): Job => {
    const { tenant } = dispatch.event
    const destination = registry.snapshot().destination(tenant, dispatch.destination)
    // Of one that is not known here yet, the key says whether it is ordered.
    const ordered = destination?.ordered ?? dispatch.key !== dispatch.id
    const place = ordered ? placeOf(dispatch, record) : undefined
    return {
      // Whatever becomes of the record takes its place in line along.
      record:
        place === undefined
          ? record
          : { ...record, headers: { ...record.headers, [seqHeader]: String(place.seq) } },
      ...{ dispatch, owned, place, crowded, parked: true },
      unread: dispatch.attempt === 0 && place === undefined,
      forced: record.headers[forceHeader] !== undefined,
      key: dispatchKey(dispatch),
      position: positionText(record),
    }
  }

  return {
    open(record) {
      const unknown = { tenant: record.headers.tenant ?? '', line: '', opened: undefined }
      if (record.value === null) return unknown
      try {
        const dispatch = codec.decode('dispatch', record.value)
        if (!(dispatch instanceof Promise)) {
          const { tenant } = dispatch.event
          return { tenant, line: lineOf(tenant, dispatch.destination), opened: dispatch }
        }
        // `carry` meets the same error.
        dispatch.catch(() => undefined)
      } catch {
        return unknown
      }
      return unknown
    },
    isStuck: (line) => limits.get(line)?.isHanging(now()) ?? false,
    async carry(record, owned, opened, crowded) {
      if (record.value === null) return []
      const dispatch = opened ?? (await persist(owned, () => decode(record)))
      if (dispatch === undefined) return undefined
      if (dispatch instanceof ZenhookError) {
        options.metrics.dead.inc({ stage: 'deliver', code: dispatch.code })
        return [outputs.undecodable(record, dispatch, now())]
      }
      const job = await persist(owned, async () => jobOf(record, dispatch, { owned, crowded }))
      if (job === undefined) return undefined
      const made = await persist(owned, () =>
        round(job).finally(() => {
          job.unread = false
        }),
      )
      if (made !== undefined && made !== 'wait') oversize.remember(job.record, made)
      return made
    },
    smaller: oversize.smaller,
    wake() {
      for (const done of sleepers) done()
    },
    async close() {
      await Promise.all(closers.map((close) => close()))
    },
  }
}
