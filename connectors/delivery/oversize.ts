import { ZenhookError } from '../../core/errors/index.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import type { NewRecord, StoredRecord } from '../../core/log/port.ts'
import type { Metrics } from '../../core/telemetry/index.ts'
import { endedWithout } from './attempt.ts'
import { type Order, placeOf, seqHeader } from './order.ts'
import type { Outputs } from './outputs.ts'

export interface OversizeOptions {
  codec: Codec
  outputs: Outputs
  order: Order
  metrics: Metrics
  now: () => number
}

/** What is written instead of outputs that their topics do not take: letters that only point to the record. */
export interface Oversize {
  /** Of which record they were made. */
  remember(record: StoredRecord, made: readonly NewRecord[]): void
  /** `undefined` where there is no smaller form. */
  smaller(output: NewRecord): Promise<readonly NewRecord[] | undefined>
}

const nothing = new Uint8Array()

export const createOversize = (options: OversizeOptions): Oversize => {
  const { codec, outputs, order, metrics, now } = options
  // Without their bytes: those lie in the log, and would be held until the outputs are written.
  const origins = new WeakMap<NewRecord, StoredRecord>()

  /** A letter without the record's bytes: it says where they lie. */
  const pointer = async (letter: NewRecord): Promise<NewRecord> => {
    const dead = await codec.decode('dead', letter.value ?? nothing)
    return { ...letter, value: codec.encode('dead', { ...dead, original: nothing }) }
  }

  /** What should come back and cannot: it ends. */
  const end = async (record: StoredRecord, output: NewRecord): Promise<readonly NewRecord[]> => {
    const dispatch = await codec.decode('dispatch', output.value ?? nothing)
    // Its place in line would block those behind it.
    if (record.headers[seqHeader] !== undefined) await order.leave(placeOf(dispatch, record))
    const code = 'ZENHOOK_LOG_RECORD_TOO_LARGE'
    metrics.dead.inc({ stage: 'deliver', code })
    const message = `${output.topic} takes no record of this size: it cannot be put off`
    return outputs.ending(
      record,
      dispatch,
      0,
      endedWithout('too_large', new ZenhookError(code, { message }), now()),
    )
  }

  return {
    remember(record, made) {
      for (const output of made) {
        const isFinal = output.topic === 'decisions' || output.topic === 'dead'
        if (!isFinal) origins.set(output, { ...record, value: null })
      }
    },
    async smaller(output) {
      if (output.topic === 'dead') return [await pointer(output)]
      const record = origins.get(output)
      return record === undefined ? undefined : end(record, output)
    },
  }
}
