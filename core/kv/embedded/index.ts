import type { Storage } from '../../storage/index.ts'
import { createLocalKv } from '../local/index.ts'
import type { Kv } from '../port.ts'
import { createEmbeddedCells } from './cells.ts'

export interface EmbeddedKvOptions {
  /** Stays its opener's: close it after the state. */
  storage: Storage
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How often expired cells are removed, ms; 1 s by default. */
  sweepEveryMs?: number
}

/**
 * Keyed state in the data folder, for one process. What resolved survives `kill -9`; it does not wait
 * for the disk, but the engine keeps order: what the log settles later is never there without it.
 */
export const createEmbeddedKv = ({
  storage,
  now = Date.now,
  sweepEveryMs = 1_000,
}: EmbeddedKvOptions): Kv =>
  createLocalKv({
    cells: createEmbeddedCells({ storage, now, sweepEveryMs }),
    capabilities: { multiProcess: false, survivesRestart: true },
    now,
  })
