import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { NewRecord, StoredRecord } from '../port.ts'

const text = (value: unknown): string =>
  Buffer.isBuffer(value) ? value.toString('utf8') : String(value ?? '')

const headersOf = (headers: IHeaders | undefined): Record<string, string> => {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {}))
    plain[name] = text(Array.isArray(value) ? value.at(-1) : value)
  return plain
}

/** Only these fields of a fetched message matter, whether it came through a group or not. */
export type FetchedMessage = Pick<KafkaMessage, 'key' | 'value' | 'timestamp' | 'offset'> & {
  headers?: IHeaders
}

export const storedRecord = (
  topic: string,
  partition: number,
  message: FetchedMessage,
): StoredRecord => ({
  topic,
  partition,
  offset: Number(message.offset),
  key: message.key === null ? null : text(message.key),
  value: message.value,
  headers: headersOf(message.headers),
  timestamp: Number(message.timestamp),
})

/** Bytes of a record in a batch, a little too many rather than too few. */
export const sizeOf = (record: NewRecord): number => {
  let bytes = 64 + (record.value?.byteLength ?? 0) + 3 * (record.key?.length ?? 0)
  for (const [name, value] of Object.entries(record.headers ?? {}))
    bytes += 8 + 3 * (name.length + value.length)
  return bytes
}

export const bytesOf = (record: StoredRecord): number =>
  64 + (record.value?.byteLength ?? 0) + (record.key?.length ?? 0)
