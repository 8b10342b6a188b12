import { type ErrorCode, ZenhookError } from '../../core/errors/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import type { Destination } from '../../core/registry/types.ts'
import type { Metrics } from '../../core/telemetry/index.ts'
import { endedWithout } from './attempt.ts'
import type { Disabled } from './disabled.ts'
import type { Job, Round } from './job.ts'
import type { Order } from './order.ts'
import type { Outputs } from './outputs.ts'
import { bearerOf, type Ending, hadOf, type Known, type Records } from './records.ts'
import { horizonOf } from './schedule.ts'

export interface EndingsOptions {
  records: Records
  outputs: Outputs
  order: Order
  disabled: Disabled
  metrics: Metrics
  now: () => number
  /** Repeats what must not fail while the engine behind it is away; `undefined` when the process stops. */
  insist<T>(work: () => Promise<T>): Promise<T | undefined>
}

/** The ways out for a record: it ends, ends again after a crash, or waits in the log. */
export interface Endings {
  /** Writes an ending down, so that it is known before its outputs are in the log. */
  end(job: Job, attempt: number, ending: Ending, known: Known | undefined): Promise<Round>
  /** It ended here before a crash: the same outputs once more. */
  repeat(job: Job, attempt: number, ending: Ending): Promise<Round>
  /** Another run delivered it: said once more, under this run, and nothing sent. */
  has(job: Job, run: string, deliveredAt: number): Promise<Round>
  /** It leaves its place in the log and comes back then; `due` says that it will be attempted then. */
  hop(job: Job, until: number, known: Known | undefined, due?: number): Promise<Round>
  /** An end that no attempt can change, if there is one. */
  hopeless(job: Job, destination: Destination | undefined): Promise<Ending | undefined>
}

export const createEndings = (options: EndingsOptions): Endings => {
  const { records, outputs, order, disabled, metrics, now, insist } = options

  const outputsOf = ({ record, dispatch }: Job, attempt: number, ending: Ending): NewRecord[] => {
    if (ending.verdict === 'dead') {
      metrics.dead.inc({ stage: 'deliver', code: ending.code ?? 'ZENHOOK_CONNECTOR_REFUSED' })
    }
    return outputs.ending(record, dispatch, attempt, ending)
  }

  const refusal = (code: ErrorCode, reason: string, message: string): Ending =>
    endedWithout(reason, new ZenhookError(code, { message }), now())

  const end: Endings['end'] = async (job, attempt, ending, known) => {
    const { key, position, place } = job
    // A retry takes its place in line before anybody can know that it ended; an end gives it up after.
    if (place !== undefined && ending.verdict === 'retry') {
      const kept = await insist(() => order.park(place, ending.nextAt))
      if (kept === undefined) return undefined
    }
    const ended = {
      state: 'ended',
      attempt,
      position,
      ...bearerOf(job.dispatch),
      ...hadOf(known),
      ending,
    } as const
    const written = await insist(() => records.write(key, ended, known))
    // Not written: another record of this dispatch went on meanwhile, or the process stops. Judge again.
    if (written === undefined) return 'again'
    const isLeaving = place !== undefined && job.parked && ending.verdict !== 'retry'
    if (isLeaving) await insist(() => order.leave(place))
    return outputsOf(job, attempt, ending)
  }

  return {
    end,
    async repeat(job, attempt, ending) {
      if (job.place !== undefined && ending.verdict !== 'retry') await order.leave(job.place)
      return outputsOf(job, attempt, ending)
    },
    async has(job, run, deliveredAt) {
      if (job.place !== undefined) await order.leave(job.place)
      return outputsOf(job, 0, {
        verdict: 'delivered',
        reason: 'already_delivered',
        at: now(),
        tookMs: 0,
        details: { by: run, deliveredAt },
      })
    },
    async hop(job, until, known, due) {
      const { place, record, key } = job
      // Only what has not ended may leave its position: the outputs of an ending belong to it.
      if (known === undefined && job.unread && (await records.read(key)) !== undefined)
        return 'again'
      const isInLine = place === undefined || (job.parked && due === undefined)
      if (!isInLine && !(await order.park(place, due))) {
        const message = `Too many dispatches wait behind a failing one of ${place.key}`
        const full = refusal('ZENHOOK_CONNECTOR_PARKED_FULL', 'parked_full', message)
        return end(job, 0, full, known)
      }
      return [outputs.hop(record, until)]
    },
    async hopeless({ dispatch }, destination) {
      const name = `${dispatch.event.tenant}/${dispatch.destination}`
      if (destination === undefined) {
        return refusal(
          'ZENHOOK_CONNECTOR_DESTINATION_UNKNOWN',
          'unknown_destination',
          `Destination ${name} is not configured`,
        )
      }
      if (now() > dispatch.createdAt + horizonOf(destination)) {
        return refusal(
          'ZENHOOK_CONNECTOR_EXPIRED',
          'expired',
          `The dispatch to ${name} could not be delivered within its horizon`,
        )
      }
      if (await disabled.isDisabled(destination)) {
        return refusal(
          'ZENHOOK_CONNECTOR_DISABLED',
          'destination_disabled',
          `Destination ${name} is disabled`,
        )
      }
      return undefined
    },
  }
}
