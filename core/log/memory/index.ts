import { createLocalLog, type LocalLog } from '../local/index.ts'
import { createMemoryDisk, type MemoryDisk } from './store.ts'

export { createMemoryDisk, type MemoryDisk } from './store.ts'

export interface MemoryLogOptions {
  /** Milliseconds since the epoch. */
  now?: () => number
  /** Shared by logs opened one after the other; by default what a log holds goes with it. */
  disk?: MemoryDisk
  trimEveryMs?: number
  onError?: (error: unknown) => void
}

/** A log in memory, for tests: the semantics of the embedded one, without its life. */
export const createMemoryLog = ({
  disk = createMemoryDisk(),
  ...rest
}: MemoryLogOptions = {}): LocalLog =>
  createLocalLog({
    ...rest,
    store: disk.mount(),
    capabilities: {
      atomicSettle: true,
      multiProcess: false,
      survivesRestart: false,
      delayedRecords: true,
    },
  })
