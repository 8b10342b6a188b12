import type { Storage } from '../../storage/index.ts'
import { createLocalLog, type LocalLog } from '../local/index.ts'
import { createEmbeddedStore } from './store.ts'

export interface EmbeddedLogOptions {
  /** Stays its opener's: close it after the log. */
  storage: Storage
  /** Milliseconds since the epoch. */
  now?: () => number
  /** How often retention is applied, ms; 10 s by default. */
  trimEveryMs?: number
  /** Failures of what the log does by itself; it tries again. */
  onError?: (error: unknown) => void
}

/** The log in the data folder: durable, for one process, without a server. */
export const createEmbeddedLog = ({ storage, ...rest }: EmbeddedLogOptions): LocalLog =>
  createLocalLog({
    ...rest,
    store: createEmbeddedStore(storage),
    capabilities: {
      atomicSettle: true,
      multiProcess: false,
      survivesRestart: true,
      delayedRecords: true,
    },
  })
