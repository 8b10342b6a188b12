import type { Storage } from '../../storage/index.ts'
import { type CellStore, createLocalKv } from '../local/index.ts'
import type { Kv } from '../port.ts'
import { createEmbeddedCells } from './cells.ts'

export interface EmbeddedKvOptions {
  /** Stays its opener's: close it after the state. */
  storage: Storage
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How often expired cells are removed, ms; 1 s by default. */
  sweepEveryMs?: number
  /** How long a change is in the journal alone, ms; 100 ms by default. */
  flushEveryMs?: number
  /** So much in the journal is moved to the engine at once, bytes; 2 MiB by default. */
  flushBytes?: number
  /** With so much in the journal, operations wait, bytes; 16 MiB by default. */
  maxBytes?: number
}

/** A data folder has one journal: whoever opens its state again shares the first one's cells. */
const opened = new WeakMap<Storage, { cells: CellStore; users: number }>()

/**
 * Keyed state in the data folder, for one process. What resolved survives `kill -9`. It does not wait
 * for the disk: a loss of power may take back the last moments of it, flushEveryMs and one sync, also
 * where the log has what came after (docs/adr/0007-state-in-a-journal.md says what that means).
 */
export const createEmbeddedKv = ({
  storage,
  now = Date.now,
  sweepEveryMs = 1_000,
  flushEveryMs = 100,
  flushBytes = 2 * 2 ** 20,
  maxBytes = 16 * 2 ** 20,
}: EmbeddedKvOptions): Kv => {
  const shared = opened.get(storage) ?? {
    cells: createEmbeddedCells({
      storage,
      now,
      sweepEveryMs,
      flushEveryMs,
      flushBytes,
      maxBytes,
    }),
    users: 0,
  }
  opened.set(storage, shared)
  shared.users += 1
  const close = async (): Promise<void> => {
    shared.users -= 1
    if (shared.users > 0) return
    opened.delete(storage)
    await shared.cells.close()
  }
  return createLocalKv({
    cells: { ...shared.cells, close },
    capabilities: { multiProcess: false, survivesRestart: true },
    now,
  })
}
