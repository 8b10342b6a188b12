import type { NewRecord } from '../../core/log/port.ts'
import { crc32c } from './crc32c.ts'

/**
 * How a segment marks its frames: mark, length of the payload, CRC-32C of length and payload, payload. The
 * mark is drawn at random for each segment and stands in its name, so that no body of a sender can hold what
 * reading on after damage would take for a frame of ours.
 */
export interface Framing {
  mark: Buffer
  /** Not so in segments of the first version, whose mark is the same for all. */
  lengthCovered: boolean
}

export const markBytes = 8
export const firstFraming: Framing = { mark: Buffer.from('ZHS1'), lengthCovered: false }

const overheadOf = ({ mark }: Framing): number => mark.length + 8
export const frameOverhead = markBytes + 8

/** A frame, but for the mark, which depends on the segment that it ends in: see `stamp`. */
export const encodeFrame = (record: NewRecord): Buffer => {
  // Whose bytes they are is a matter of this process: see `decodePayload`.
  const { value, owned: _, ...rest } = record
  const text = JSON.stringify(value === null ? { ...rest, tombstone: true } : rest)
  const meta = Buffer.byteLength(text)
  const body = value ?? new Uint8Array()
  const frame = Buffer.allocUnsafe(frameOverhead + 4 + meta + body.length)
  // The payload is the length of its JSON part, that part (all but the value), then the value.
  frame.writeUInt32BE(meta, frameOverhead)
  frame.write(text, frameOverhead + 4, 'utf8')
  frame.set(body, frameOverhead + 4 + meta)
  frame.writeUInt32BE(frame.length - frameOverhead, markBytes)
  frame.writeUInt32BE(checksum(frame, markBytes, frameOverhead, frame.length), markBytes + 4)
  return frame
}

export const stamp = (frame: Buffer, { mark }: Framing): void => {
  mark.copy(frame)
}

const checksum = (bytes: Buffer, lengthAt: number, from: number, to: number): number =>
  crc32c(bytes.subarray(from, to), crc32c(bytes.subarray(lengthAt, lengthAt + 4)))

// The value is a part of what was read at once: a log that kept it as its own would keep all of that.
const decodePayload = (payload: Buffer): NewRecord => {
  const length = payload.readUInt32BE(0)
  const { tombstone, ...meta } = JSON.parse(
    payload.toString('utf8', 4, 4 + length),
  ) as NewRecord & { tombstone?: boolean }
  return { ...meta, value: tombstone === true ? null : payload.subarray(4 + length) }
}

export type Scanned =
  | { kind: 'record'; record: NewRecord; end: number }
  /** The bytes end before the frame does. */
  | { kind: 'partial' }
  | { kind: 'bad' }

/** Reads the frame that starts at `at`. */
export const readFrame = (
  bytes: Buffer,
  at: number,
  maxFrame: number,
  framing: Framing,
): Scanned => {
  const { mark, lengthCovered } = framing
  const overhead = overheadOf(framing)
  if (bytes.compare(mark, 0, mark.length, at, Math.min(at + mark.length, bytes.length)) !== 0)
    return bytes.length - at < mark.length ? { kind: 'partial' } : { kind: 'bad' }
  if (bytes.length - at < overhead) return { kind: 'partial' }
  const lengthAt = at + mark.length
  const size = bytes.readUInt32BE(lengthAt)
  if (size < 4 || size + overhead > maxFrame) return { kind: 'bad' }
  const end = at + overhead + size
  if (end > bytes.length) return { kind: 'partial' }
  const from = at + overhead
  const found = lengthCovered
    ? checksum(bytes, lengthAt, from, end)
    : crc32c(bytes.subarray(from, end))
  if (found !== bytes.readUInt32BE(lengthAt + 4)) return { kind: 'bad' }
  try {
    return { kind: 'record', record: decodePayload(bytes.subarray(from, end)), end }
  } catch {
    return { kind: 'bad' }
  }
}

/** Where the next frame may start after damage, or the end of the bytes. */
export const nextMark = (bytes: Buffer, from: number, { mark }: Framing): number => {
  const at = bytes.indexOf(mark, from)
  return at < 0 ? bytes.length : at
}
