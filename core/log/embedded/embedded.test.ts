import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStorage, type Storage } from '../../storage/index.ts'
import { logContract } from '../contract.ts'
import type { LocalLog } from '../local/index.ts'
import { createEmbeddedLog } from './index.ts'

const dir = mkdtempSync(join(tmpdir(), 'zenhook-log-'))
let storage: Storage | undefined
let current: LocalLog
let topics = 0

const open = async (): Promise<LocalLog> => {
  await storage?.close()
  storage = openStorage(dir)
  current = createEmbeddedLog({ storage })
  return current
}

logContract('embedded', {
  capabilities: {
    atomicSettle: true,
    multiProcess: false,
    survivesRestart: true,
    delayedRecords: true,
  },
  timeoutMs: 5_000,
  topic: (name) => `${name}.${topics++}`,
  open,
  restart: async (log) => {
    await log.close()
    return open()
  },
  // The engine is taken away beneath the log; the death of a whole process is in crash.test.ts.
  crash: open,
  trim: (_, topic, partition, until) => current.trim(topic, partition, until),
  destroy: async () => {
    await storage?.close()
    rmSync(dir, { recursive: true, force: true })
  },
})
