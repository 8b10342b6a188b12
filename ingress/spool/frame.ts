import type { NewRecord } from '../../core/log/port.ts'
import { crc32c } from './crc32c.ts'

/**
 * A record on disk: magic, length of the payload, CRC-32C of the payload, payload.
 * The payload is the length of its JSON part, that part (all but the value), then the value.
 */
const magic = 0x5a485331 // ZHS1
export const frameOverhead = 12

const bytesOf = (text: string): Buffer => Buffer.from(text, 'utf8')

export const encodeFrame = (record: NewRecord): Buffer => {
  const { value, ...rest } = record
  const meta = bytesOf(JSON.stringify(value === null ? { ...rest, tombstone: true } : rest))
  const body = value ?? new Uint8Array()
  const frame = Buffer.allocUnsafe(frameOverhead + 4 + meta.length + body.length)
  frame.writeUInt32BE(meta.length, frameOverhead)
  meta.copy(frame, frameOverhead + 4)
  frame.set(body, frameOverhead + 4 + meta.length)
  const payload = frame.subarray(frameOverhead)
  frame.writeUInt32BE(magic, 0)
  frame.writeUInt32BE(payload.length, 4)
  frame.writeUInt32BE(crc32c(payload), 8)
  return frame
}

const decodePayload = (payload: Buffer): NewRecord => {
  const length = payload.readUInt32BE(0)
  const { tombstone, ...meta } = JSON.parse(
    payload.toString('utf8', 4, 4 + length),
  ) as NewRecord & { tombstone?: boolean }
  return { ...meta, value: tombstone === true ? null : payload.subarray(4 + length) }
}

export type Scanned =
  | { kind: 'record'; record: NewRecord; end: number }
  /** The bytes end before the frame does; `need` is the frame's size where it is known. */
  | { kind: 'partial'; need: number }
  | { kind: 'bad' }

/** Reads the frame that starts at `at`. */
export const readFrame = (bytes: Buffer, at: number, maxFrame: number): Scanned => {
  if (bytes.length - at < frameOverhead) return { kind: 'partial', need: frameOverhead }
  if (bytes.readUInt32BE(at) !== magic) return { kind: 'bad' }
  const size = bytes.readUInt32BE(at + 4)
  if (size < 4 || size + frameOverhead > maxFrame) return { kind: 'bad' }
  const end = at + frameOverhead + size
  if (end > bytes.length) return { kind: 'partial', need: frameOverhead + size }
  const payload = bytes.subarray(at + frameOverhead, end)
  if (crc32c(payload) !== bytes.readUInt32BE(at + 8)) return { kind: 'bad' }
  try {
    return { kind: 'record', record: decodePayload(payload), end }
  } catch {
    return { kind: 'bad' }
  }
}

/** Where the next frame may start after damage, or the end of the bytes. */
export const nextMagic = (bytes: Buffer, from: number): number => {
  const at = bytes.indexOf('ZHS1', from, 'latin1')
  return at < 0 ? bytes.length : at
}
