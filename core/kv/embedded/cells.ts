import { createHash } from 'node:crypto'
import type { Operation, Storage } from '../../storage/index.ts'
import type { Cell, CellStore, Kind } from '../local/index.ts'

const codes: Record<Kind, number> = { claim: 1, value: 2, counter: 3 }
/** Longer keys are stored by their digest: the engine's keys are limited. */
const maxPlainKey = 512
/** Expired cells that one step of the sweep removes: it bounds how long the event loop is held. */
const sweepStep = 500
const marker = Uint8Array.of(1)

const keyOf = (kind: Kind, key: string): Uint8Array => {
  const bytes = Buffer.from(key)
  const plain = bytes.byteLength <= maxPlainKey
  const stored = plain ? bytes : createHash('sha256').update(bytes).digest()
  return Buffer.concat([Uint8Array.of(codes[kind], plain ? 0 : 1), stored])
}

/** When the cell is gone (u64 ms, big-endian), then the cell's key: expiry in order. */
const expiryKeyOf = (until: number, key: Uint8Array): Uint8Array => {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(Math.min(Math.max(Math.ceil(until), 0), Number.MAX_SAFE_INTEGER)))
  return Buffer.concat([time, key])
}

const encode = ({ text, until }: Cell): Uint8Array => {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(text))
  bytes.writeDoubleBE(until, 0)
  bytes.write(text, 8)
  return bytes
}

const decode = (bytes: Uint8Array): Cell => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { until: buffer.readDoubleBE(0), text: buffer.toString('utf8', 8) }
}

interface Pending {
  cell: Cell | undefined
  committed: Promise<void>
}

export interface EmbeddedCellsOptions {
  storage: Storage
  now: () => number
  sweepEveryMs: number
}

/**
 * Cells as tables of the data folder's engine. Reads come from its memory map, except for what is
 * being written, which is kept here until it is committed: memory is bounded by the writes under way.
 */
export const createEmbeddedCells = ({
  storage,
  now,
  sweepEveryMs,
}: EmbeddedCellsOptions): CellStore => {
  const cells = storage.table('kv.cells')
  const expiry = storage.table('kv.expiry')
  const pending = new Map<string, Pending>()
  const writing = new Set<Promise<void>>()
  let closed = false

  const nameOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1')
  const read = (key: Uint8Array): Cell | undefined => {
    const underWay = pending.get(nameOf(key))
    if (underWay !== undefined) return underWay.cell
    const bytes = cells.get(key)
    return bytes === undefined ? undefined : decode(bytes)
  }

  const write = (changes: readonly (readonly [Uint8Array, Cell | undefined])[]): Promise<void> => {
    const operations: Operation[] = []
    for (const [key, cell] of changes) {
      const before = read(key)
      if (before !== undefined && before.until !== cell?.until)
        operations.push({ table: expiry, key: expiryKeyOf(before.until, key), value: undefined })
      if (cell !== undefined && before?.until !== cell.until)
        operations.push({ table: expiry, key: expiryKeyOf(cell.until, key), value: marker })
      operations.push({ table: cells, key, value: cell === undefined ? cell : encode(cell) })
    }
    const { committed } = storage.write(operations)
    for (const [key, cell] of changes) pending.set(nameOf(key), { cell, committed })
    const done = committed
      .catch(() => undefined)
      .then(() => {
        for (const [key] of changes)
          if (pending.get(nameOf(key))?.committed === committed) pending.delete(nameOf(key))
        writing.delete(done)
      })
    writing.add(done)
    return committed
  }

  /** Removes expired cells, oldest first, and says whether there may be more. */
  const sweep = async (): Promise<boolean> => {
    const until = expiryKeyOf(now(), Uint8Array.of())
    const expired = [...expiry.range({ from: Uint8Array.of(0), to: until, limit: sweepStep })]
    if (expired.length === 0) return false
    const operations: Operation[] = []
    for (const { key } of expired) {
      operations.push({ table: expiry, key, value: undefined })
      const cellKey = key.subarray(8)
      const cell = read(cellKey)
      if (cell === undefined || cell.until <= now())
        operations.push({ table: cells, key: cellKey, value: undefined })
    }
    await storage.write(operations).committed
    return expired.length === sweepStep
  }
  const sweepAll = async (): Promise<void> => {
    while (!closed && (await sweep()));
  }
  let sweeping: Promise<void> = Promise.resolve()
  const ticking = setInterval(() => {
    // A failure is of the disk, which every write reports; the next tick tries again.
    sweeping = sweeping.then(sweepAll).catch(() => undefined)
  }, sweepEveryMs)
  ticking.unref()

  return {
    get: (kind, key) => read(keyOf(kind, key)),
    put: async (changes) => {
      if (changes.length > 0)
        await write(changes.map(({ kind, key, cell }) => [keyOf(kind, key), cell] as const))
    },
    async safe(kind, keys) {
      if (pending.size === 0) return
      await Promise.all(keys.map((key) => pending.get(nameOf(keyOf(kind, key)))?.committed))
    },
    ping: () => storage.ping(),
    async close() {
      closed = true
      clearInterval(ticking)
      await sweeping
      while (writing.size > 0) await Promise.all(writing)
    },
  }
}
