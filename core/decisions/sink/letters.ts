import { isZenhookError, messageOf } from '../../errors/index.ts'
import type { Codec } from '../../event/codec/index.ts'
import type { Hash } from '../../event/index.ts'
import type { NewRecord, StoredRecord } from '../../log/port.ts'

/** A record that has no place in the tables, and why. */
export interface Letter {
  record: StoredRecord
  error: unknown
  /** When that was seen, ms since the epoch. */
  at: number
}

export const codeOf = ({ error }: Letter): string =>
  isZenhookError(error) ? error.code : 'ZENHOOK_STAGE_UNDECODABLE'

/** The letter as the topic `dead` takes it; without the record itself where both together are too large. */
export const deadRecord = (
  { codec, hash, stage }: { codec: Codec; hash: Hash; stage: string },
  letter: Letter,
  isWhole: boolean,
): NewRecord => {
  const { record, error, at } = letter
  const { topic, partition, offset, key, headers } = record
  const value = codec.encode('dead', {
    // The stage that reads the same record may bury it, too: that is a letter of its own.
    id: hash(`${stage} ${topic}/${partition}/${offset}`).slice(0, 40),
    tenant: headers.tenant ?? '',
    source: headers.source ?? '',
    eventId: headers.id ?? '',
    stage,
    code: codeOf(letter),
    message: messageOf(error).slice(0, 2_000),
    at,
    origin: { topic, partition, offset },
    originHeaders: headers,
    original: (isWhole && record.value) || new Uint8Array(),
  })
  return { topic: 'dead', key, value, headers }
}
