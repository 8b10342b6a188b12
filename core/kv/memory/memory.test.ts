import { kvContract } from '../contract.ts'
import { createMemoryKv } from './index.ts'

let now = Date.now()

kvContract('memory', {
  capabilities: { multiProcess: false, survivesRestart: false },
  timeoutMs: 2_000,
  open: async () => createMemoryKv({ now: () => now }),
  now: () => now,
  pass: async (ms) => {
    now += ms
  },
  destroy: async () => undefined,
})
