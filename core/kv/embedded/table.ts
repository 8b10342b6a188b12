import { createHash } from 'node:crypto'
import type { Operation, Storage } from '../../storage/index.ts'
import type { Cell, CellChange, Kind } from '../local/index.ts'
import { codes } from './frame.ts'

/** Longer keys are stored by their digest: the engine's keys are limited. */
const maxPlainKey = 512
const marker = Uint8Array.of(1)
const flushedKey = Uint8Array.of(1)

const keyOf = (kind: Kind, key: string): Uint8Array => {
  const length = Buffer.byteLength(key)
  const plain = length <= maxPlainKey
  const bytes = Buffer.allocUnsafe(2 + (plain ? length : 32))
  bytes[0] = codes[kind]
  bytes[1] = plain ? 0 : 1
  if (plain) bytes.write(key, 2)
  else createHash('sha256').update(key).digest().copy(bytes, 2)
  return bytes
}

/** When the cell is gone (u64 ms, big-endian), then the cell's key: expiry in order. */
const expiryKeyOf = (until: number, key: Uint8Array): Uint8Array => {
  const time = Math.min(Math.max(Math.ceil(until), 0), Number.MAX_SAFE_INTEGER)
  const bytes = Buffer.allocUnsafe(8 + key.byteLength)
  bytes.writeUInt32BE(Math.floor(time / 2 ** 32), 0)
  bytes.writeUInt32BE(time % 2 ** 32, 4)
  bytes.set(key, 8)
  return bytes
}

const encode = ({ text, until }: Cell): Uint8Array => {
  const bytes = Buffer.allocUnsafe(8 + Buffer.byteLength(text))
  bytes.writeDoubleBE(until, 0)
  bytes.write(text, 8)
  return bytes
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const untilOf = (bytes: Uint8Array): number => bufferOf(bytes).readDoubleBE(0)

/** Cells as they lie in the data folder's engine, with an index by when they are gone. */
export interface CellTable {
  get(kind: Kind, key: string): Cell | undefined
  /** What makes the engine say the same as the change, given what it says now. */
  operationsOf(change: CellChange, now: number): Operation[]
  /** What removes expired cells, oldest first, at most `limit` of them. */
  expired(now: number, limit: number): { operations: Operation[]; more: boolean }
  /** The last segment of the journal that the engine holds all of. */
  flushed(): number
  markFlushed(segment: number): Operation
}

export const createCellTable = (storage: Storage): CellTable => {
  const cells = storage.table('kv.cells')
  const expiry = storage.table('kv.expiry')
  const journal = storage.table('kv.journal')

  return {
    get(kind, key) {
      const bytes = cells.get(keyOf(kind, key))
      if (bytes === undefined) return undefined
      const buffer = bufferOf(bytes)
      return { until: buffer.readDoubleBE(0), text: buffer.toString('utf8', 8) }
    },
    operationsOf({ kind, key: name, cell }, now) {
      const key = keyOf(kind, name)
      const stored = cells.get(key)
      const before = stored === undefined ? undefined : untilOf(stored)
      const next = cell === undefined || cell.until <= now ? undefined : cell
      const operations: Operation[] = []
      if (before !== undefined && before !== next?.until)
        operations.push({ table: expiry, key: expiryKeyOf(before, key), value: undefined })
      if (next !== undefined && before !== next.until)
        operations.push({ table: expiry, key: expiryKeyOf(next.until, key), value: marker })
      if (next !== undefined) operations.push({ table: cells, key, value: encode(next) })
      else if (before !== undefined) operations.push({ table: cells, key, value: undefined })
      return operations
    },
    expired(now, limit) {
      const to = expiryKeyOf(now, Uint8Array.of())
      const found = [...expiry.range({ from: Uint8Array.of(0), to, limit })]
      const operations = found.flatMap(({ key }): Operation[] => {
        const cellKey = key.subarray(8)
        const stored = cells.get(cellKey)
        const gone = stored !== undefined && untilOf(stored) <= now
        return [
          { table: expiry, key, value: undefined },
          ...(gone ? [{ table: cells, key: cellKey, value: undefined }] : []),
        ]
      })
      return { operations, more: found.length === limit }
    },
    flushed() {
      const bytes = journal.get(flushedKey)
      return bytes === undefined ? 0 : bufferOf(bytes).readDoubleBE(0)
    },
    markFlushed(segment) {
      const value = Buffer.alloc(8)
      value.writeDoubleBE(segment)
      return { table: journal, key: flushedKey, value }
    },
  }
}
