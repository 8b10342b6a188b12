import type { StoredRecord } from '../port.ts'

export type RecordBody = Pick<StoredRecord, 'key' | 'value' | 'headers' | 'timestamp'>

const hasKey = 1
const hasValue = 2

/** A record that was measured, to be written where there is room for it. */
export interface Frame {
  record: RecordBody
  headerText: string
  keyLength: number
  headerLength: number
  /** Bytes of the whole. */
  size: number
}

export const frameOf = (record: RecordBody): Frame => {
  const { key, value, headers } = record
  const headerText = JSON.stringify(headers)
  const keyLength = key === null ? 0 : Buffer.byteLength(key)
  const headerLength = headerText === '{}' ? 0 : Buffer.byteLength(headerText)
  const size = 17 + keyLength + headerLength + (value?.byteLength ?? 0)
  return { record, headerText, keyLength, headerLength, size }
}

/**
 * A record as it lies in the store: timestamp (f64), flags (u8), length of key and of headers (u32
 * each), key, headers as JSON, value; big-endian. The timestamp comes first, for retention reads
 * nothing else.
 */
export const writeFrame = (frame: Frame, bytes: Buffer, at: number): void => {
  const { key, value, timestamp } = frame.record
  const { headerText, keyLength, headerLength } = frame
  bytes.writeDoubleBE(timestamp, at)
  bytes[at + 8] = (key === null ? 0 : hasKey) | (value === null ? 0 : hasValue)
  bytes.writeUInt32BE(keyLength, at + 9)
  bytes.writeUInt32BE(headerLength, at + 13)
  if (key !== null) bytes.write(key, at + 17, 'utf8')
  if (headerLength > 0) bytes.write(headerText, at + 17 + keyLength, 'utf8')
  if (value !== null) bytes.set(value, at + 17 + keyLength + headerLength)
}

export const encodeRecord = (record: RecordBody): Uint8Array => {
  const frame = frameOf(record)
  const bytes = Buffer.allocUnsafe(frame.size)
  writeFrame(frame, bytes, 0)
  return bytes
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const timestampOf = (bytes: Uint8Array): number => viewOf(bytes).getFloat64(0)

/** Takes the value as a view of `bytes`, which must be the caller's own. */
export const decodeRecord = (bytes: Uint8Array): RecordBody => {
  // One view for all: each costs more than what is read through it.
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = buffer.readUInt8(8)
  const headersAt = 17 + buffer.readUInt32BE(9)
  const valueAt = headersAt + buffer.readUInt32BE(13)
  return {
    timestamp: buffer.readDoubleBE(0),
    key: (flags & hasKey) === 0 ? null : buffer.toString('utf8', 17, headersAt),
    headers:
      headersAt === valueAt
        ? {}
        : (JSON.parse(buffer.toString('utf8', headersAt, valueAt)) as Readonly<
            Record<string, string>
          >),
    value: (flags & hasValue) === 0 ? null : bytes.subarray(valueAt),
  }
}
