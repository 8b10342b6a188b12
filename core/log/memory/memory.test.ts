import { logContract } from '../contract.ts'
import type { LocalLog } from '../local/index.ts'
import { createMemoryDisk, createMemoryLog } from './index.ts'

const disk = createMemoryDisk()
let current: LocalLog
let topics = 0

const open = async (): Promise<LocalLog> => {
  current = createMemoryLog({ disk })
  return current
}

logContract('memory', {
  capabilities: createMemoryLog().capabilities,
  timeoutMs: 3_000,
  topic: (name) => `${name}.${topics++}`,
  open,
  restart: async (log) => {
    await log.close()
    return open()
  },
  // Mounting the disk anew is the death of the log before.
  crash: open,
  trim: (_, topic, partition, until) => current.trim(topic, partition, until),
  destroy: async () => undefined,
})
