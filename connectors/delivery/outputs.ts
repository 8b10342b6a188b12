import { type ErrorCode, ZenhookError } from '../../core/errors/index.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import {
  type Dead,
  type Decision,
  type Dispatch,
  decisionIdOf,
  type Hash,
} from '../../core/event/index.ts'
import type { NewRecord, StoredRecord } from '../../core/log/port.ts'
import { type Ending, positionText } from './records.ts'

/** Puts a record off until `notBefore`: by the log itself, or through a delay tier. */
export type Delay = (record: NewRecord, notBefore: number) => NewRecord

export interface OutputsOptions {
  codec: Codec
  hash: Hash
  delay: Delay
}

/** Records that tell what became of a dispatch; the same ending gives the same records, whoever writes them. */
export interface Outputs {
  /** Number of the attempt, or 0 when none was made. */
  ending(record: StoredRecord, dispatch: Dispatch, attempt: number, ending: Ending): NewRecord[]
  /** The same record again, later; nothing was attempted. */
  hop(record: StoredRecord, until: number): NewRecord
  undecodable(record: StoredRecord, error: unknown, at: number): NewRecord
}

const headersOf = ({ event, run }: Dispatch): Record<string, string> => ({
  id: event.id,
  type: event.type,
  tenant: event.tenant,
  source: event.source,
  ...(run === 'live' ? {} : { run }),
  ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
  ...(event.tracestate === undefined ? {} : { tracestate: event.tracestate }),
})

const positionOf = ({ topic, partition, offset }: StoredRecord) => ({ topic, partition, offset })
const empty = new Uint8Array()

export const createOutputs = ({ codec, hash, delay }: OutputsOptions): Outputs => {
  const decision = (dispatch: Dispatch, attempt: number, ending: Ending): NewRecord => {
    const { event, run } = dispatch
    const made: Omit<Decision, 'id'> = {
      stage: 'deliver',
      verdict: ending.verdict,
      reason: ending.reason,
      route: dispatch.route,
      destination: dispatch.destination,
      dispatchId: dispatch.id,
      ...(attempt === 0 ? {} : { attempt }),
      at: ending.at,
      tookMs: ending.tookMs,
      details: ending.details,
    }
    const value = codec.encode('decisions', {
      tenant: event.tenant,
      source: event.source,
      eventId: event.id,
      type: event.type,
      receivedAt: event.receivedAt,
      run,
      decisions: [{ ...made, id: decisionIdOf(hash, event.id, made, run) }],
    })
    return { topic: 'decisions', key: event.id, value, owned: true, headers: headersOf(dispatch) }
  }

  const dead = (
    record: StoredRecord,
    letter: Omit<Dead, 'origin' | 'originHeaders' | 'original'>,
  ) =>
    codec.encode('dead', {
      ...letter,
      origin: positionOf(record),
      originHeaders: record.headers,
      original: record.value ?? empty,
    })

  return {
    ending(record, dispatch, attempt, ending) {
      const outputs = [decision(dispatch, attempt, ending)]
      const { event } = dispatch
      if (ending.verdict === 'retry') {
        const notBefore = ending.nextAt ?? ending.at
        const value = codec.encode('dispatch', { ...dispatch, attempt, notBefore })
        const { headers } = record
        const next = { topic: 'dispatch', key: dispatch.key, value, owned: true, headers }
        outputs.push(delay(next, notBefore))
      }
      if (ending.verdict === 'dead') {
        const value = dead(record, {
          id: hash(`dead:${dispatch.id}:${dispatch.run}`).slice(0, 40),
          tenant: event.tenant,
          source: event.source,
          eventId: event.id,
          dispatchId: dispatch.id,
          destination: dispatch.destination,
          stage: 'deliver',
          code: ending.code ?? 'ZENHOOK_CONNECTOR_REFUSED',
          message: ending.message ?? ending.reason,
          at: ending.at,
        })
        outputs.push({ topic: 'dead', key: event.id, value, headers: headersOf(dispatch) })
      }
      return outputs
    },
    hop: ({ key, value, headers }, until) =>
      delay({ topic: 'dispatch', key, value, headers }, until),
    undecodable(record, error, at) {
      const code: ErrorCode = 'ZENHOOK_STAGE_UNDECODABLE'
      const message = error instanceof ZenhookError ? error.message : String(error)
      const id = hash(`dead:${positionText(record)}`).slice(0, 40)
      const unknown = { tenant: '', source: '', eventId: '' }
      const value = dead(record, { id, ...unknown, stage: 'deliver', code, message, at })
      return { topic: 'dead', key: id, value, headers: record.headers }
    },
  }
}
