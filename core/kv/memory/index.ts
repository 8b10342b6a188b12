import { type Cell, type CellStore, createLocalKv, type Kind } from '../local/index.ts'
import type { Kv } from '../port.ts'

export interface MemoryKvOptions {
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How often expired cells are dropped, ms; 10 s by default. */
  sweepEveryMs?: number
}

const nameOf = (kind: Kind, key: string): string => `${kind}/${key}`

const createMemoryCells = (now: () => number, sweepEveryMs: number): CellStore => {
  const cells = new Map<string, Cell>()
  const sweeping = setInterval(() => {
    const time = now()
    for (const [name, { until }] of cells) if (until <= time) cells.delete(name)
  }, sweepEveryMs)
  sweeping.unref()
  return {
    get: (kind, key) => cells.get(nameOf(kind, key)),
    put(changes) {
      for (const { kind, key, cell } of changes)
        if (cell === undefined) cells.delete(nameOf(kind, key))
        else cells.set(nameOf(kind, key), cell)
      return undefined
    },
    lasting: () => undefined,
    room: () => undefined,
    ping: async () => undefined,
    async close() {
      clearInterval(sweeping)
      cells.clear()
    },
  }
}

/** Keyed state in memory, gone with the process: for tests, and where nothing needs to last. */
export const createMemoryKv = ({
  now = Date.now,
  sweepEveryMs = 10_000,
}: MemoryKvOptions = {}): Kv =>
  createLocalKv({
    cells: createMemoryCells(now, sweepEveryMs),
    capabilities: { multiProcess: false, survivesRestart: false },
    now,
  })
