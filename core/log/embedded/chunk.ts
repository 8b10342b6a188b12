import type { StoredRecord } from '../port.ts'
import { encodeRecord, type Frame, frameOf, writeFrame } from './record.ts'

/**
 * Records of one partition that were written together share a value, under the offset of the first:
 * a mark (u8), their number (u24), the end of each in the value (u32 each), the records. A record that
 * is alone is its own value. The two differ in their first byte: a record begins with its timestamp,
 * and a double that begins with 255 is below -10^303 or no number.
 */
const mark = 0xff

/**
 * A larger value saves nothing more, and costs who reads few of its records, or keeps one. So many records
 * before an offset are looked at for the chunk that it is in: never fewer than a folder may have.
 */
export const chunkLimit = { records: 256, bytes: 128 * 1024 }

export interface Chunk {
  /** Offset of its first record; the others follow without a hole. */
  base: number
  count: number
  value: Uint8Array
}

const headOf = (count: number): number => 4 + 4 * count

const encode = (frames: readonly Frame[], bytes: number): Uint8Array => {
  const [first] = frames
  if (first !== undefined && frames.length === 1) return encodeRecord(first.record)
  const value = Buffer.allocUnsafe(headOf(frames.length) + bytes)
  value.writeUInt32BE(mark * 2 ** 24 + frames.length, 0)
  let at = headOf(frames.length)
  for (const [index, frame] of frames.entries()) {
    writeFrame(frame, value, at)
    at += frame.size
    value.writeUInt32BE(at, headOf(index))
  }
  return value
}

/** The values of some records of one partition, which are in the order of their offsets. */
export const chunksOf = (records: readonly StoredRecord[], limit = chunkLimit): Chunk[] => {
  const chunks: Chunk[] = []
  let base = 0
  let frames: Frame[] = []
  let bytes = 0
  const end = (): void => {
    if (frames.length > 0) chunks.push({ base, count: frames.length, value: encode(frames, bytes) })
    frames = []
    bytes = 0
  }
  for (const record of records) {
    const frame = frameOf(record)
    const together =
      record.offset === base + frames.length &&
      frames.length < limit.records &&
      headOf(frames.length + 1) + bytes + frame.size <= limit.bytes
    if (!together) end()
    if (frames.length === 0) base = record.offset
    frames.push(frame)
    bytes += frame.size
  }
  end()
  return chunks
}

/** What lies in the store under the offset `base`. */
export const chunkAt = (base: number, value: Uint8Array): Chunk => {
  if (value[0] !== mark) return { base, count: 1, value }
  const count = (value[1] ?? 0) * 2 ** 16 + (value[2] ?? 0) * 2 ** 8 + (value[3] ?? 0)
  return { base, count, value }
}

/** A record of a chunk, which has it, as a view of its value. */
export const recordAt = ({ base, value }: Chunk, offset: number): Uint8Array => {
  if (value[0] !== mark) return value
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
  const index = offset - base
  const start =
    index === 0 ? headOf(view.getUint32(0) % 2 ** 24) : view.getUint32(headOf(index - 1))
  return value.subarray(start, view.getUint32(headOf(index)))
}
