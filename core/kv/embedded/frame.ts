import { crc32 } from 'node:zlib'
import { type CellChange, type Kind, kinds } from '../local/index.ts'

/**
 * A frame of the journal: bytes of the body (u32), CRC-32 of the body (u32), body; big-endian. The
 * body holds changes one after the other: kind (u8), present (u8), until (f64), bytes of key and of
 * text (u32 each), key, text. All of a frame counts, or nothing.
 */
const frameHeader = 8
const changeHeader = 18
const initialBytes = 2 ** 16
/** A writer that grew beyond this for a large value does not keep it. */
const keptBytes = 2 ** 20

export const codes: Record<Kind, number> = { claim: 1, value: 2, counter: 3 }
const kindOf = (code: number): Kind | undefined => kinds.find((kind) => codes[kind] === code)

export interface FrameWriter {
  add(change: CellChange): void
  /** The frame of all that was added, valid until `clear`. The seed ties it to its place. */
  finish(seed: number): Uint8Array
  clear(): void
}

export const createFrameWriter = (): FrameWriter => {
  let buffer = Buffer.allocUnsafe(initialBytes)
  let end = frameHeader

  const reserve = (bytes: number): void => {
    if (end + bytes <= buffer.byteLength) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.byteLength * 2, end + bytes))
    buffer.copy(larger, 0, 0, end)
    buffer = larger
  }

  return {
    add({ kind, key, cell }) {
      const text = cell?.text ?? ''
      // UTF-8 takes at most three bytes for each unit of a string.
      reserve(changeHeader + 3 * (key.length + text.length))
      const keyAt = end + changeHeader
      const keyBytes = buffer.write(key, keyAt)
      const textBytes = buffer.write(text, keyAt + keyBytes)
      buffer[end] = codes[kind]
      buffer[end + 1] = cell === undefined ? 0 : 1
      buffer.writeDoubleBE(cell?.until ?? 0, end + 2)
      buffer.writeUInt32BE(keyBytes, end + 10)
      buffer.writeUInt32BE(textBytes, end + 14)
      end = keyAt + keyBytes + textBytes
    },
    finish(seed) {
      buffer.writeUInt32BE(end - frameHeader, 0)
      buffer.writeUInt32BE(crc32(buffer.subarray(frameHeader, end), seed), 4)
      return buffer.subarray(0, end)
    },
    clear() {
      end = frameHeader
      if (buffer.byteLength > keptBytes) buffer = Buffer.allocUnsafe(initialBytes)
    },
  }
}

const readBody = (body: Buffer): CellChange[] => {
  const changes: CellChange[] = []
  for (let at = 0; at < body.byteLength; ) {
    const kind = kindOf(body.readUInt8(at))
    if (kind === undefined) throw new Error('A journal of the state holds an unknown kind')
    const present = body.readUInt8(at + 1) === 1
    const until = body.readDoubleBE(at + 2)
    const keyAt = at + changeHeader
    const textAt = keyAt + body.readUInt32BE(at + 10)
    const end = textAt + body.readUInt32BE(at + 14)
    const cell = present ? { text: body.toString('utf8', textAt, end), until } : undefined
    changes.push({ kind, key: body.toString('utf8', keyAt, textAt), cell })
    at = end
  }
  return changes
}

/** The changes of the intact frames at the start; what follows the first that is not was never promised. */
export const readFrames = (bytes: Buffer, seed: number): CellChange[] => {
  const changes: CellChange[] = []
  for (let at = 0; at + frameHeader <= bytes.byteLength; ) {
    const from = at + frameHeader
    const end = from + bytes.readUInt32BE(at)
    if (end > bytes.byteLength) break
    const body = bytes.subarray(from, end)
    if (crc32(body, seed) !== bytes.readUInt32BE(at + 4)) break
    for (const change of readBody(body)) changes.push(change)
    at = end
  }
  return changes
}
