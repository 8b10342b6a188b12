import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStorage, type Storage } from '../../storage/index.ts'
import { kvContract } from '../contract.ts'
import type { Kv } from '../port.ts'
import { createEmbeddedKv } from './index.ts'

let now = Date.now()
const dir = mkdtempSync(join(tmpdir(), 'zenhook-kv-'))
let storage: Storage | undefined

const open = async (): Promise<Kv> => {
  storage ??= openStorage(dir)
  return createEmbeddedKv({ storage, now: () => now })
}
const reopen = async (): Promise<Kv> => {
  await storage?.close()
  storage = undefined
  return open()
}

kvContract('embedded', {
  capabilities: { multiProcess: false, survivesRestart: true },
  timeoutMs: 3_000,
  open,
  now: () => now,
  pass: async (ms) => {
    now += ms
  },
  restart: async (kv) => {
    await kv.close()
    return reopen()
  },
  // The engine is taken away beneath the state; the death of a whole process is in crash.test.ts.
  crash: reopen,
  destroy: async () => {
    await storage?.close()
    rmSync(dir, { recursive: true, force: true })
  },
})

describe('embedded kv', () => {
  const folder = mkdtempSync(join(tmpdir(), 'zenhook-kv-'))
  let engine: Storage
  beforeAll(() => {
    engine = openStorage(folder)
  })
  afterAll(async () => {
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('removes what expired from the engine, and nothing that was prolonged', async () => {
    let time = Date.now()
    const kv = createEmbeddedKv({ storage: engine, now: () => time, sweepEveryMs: 10 })
    const entry = (key: string, ttlMs: number) => ({ key, value: 'x'.repeat(100), ttlMs })
    await kv.set(Array.from({ length: 1_200 }, (_, index) => entry(`short${index}`, 1_000)))
    await kv.set([entry('long', 60_000), entry('prolonged', 1_000)])
    await kv.set([entry('prolonged', 60_000)])
    await kv.add('counter', 1, 1_000)
    const cells = () => [
      ...engine.table('kv.cells').range({ from: Uint8Array.of(0), to: Uint8Array.of(255) }),
    ]
    const lives = () => [
      ...engine
        .table('kv.expiry')
        .range({ from: Uint8Array.of(0), to: new Uint8Array(9).fill(255) }),
    ]
    for (let tries = 0; cells().length < 1_203 && tries < 200; tries += 1) await sleep(10)
    expect(cells()).toHaveLength(1_203)
    expect(lives()).toHaveLength(1_203)
    time += 2_000
    for (let tries = 0; cells().length > 2 && tries < 200; tries += 1) await sleep(10)
    expect(cells()).toHaveLength(2)
    expect(lives()).toHaveLength(2)
    expect(await kv.get(['long', 'prolonged', 'short1'])).toEqual([
      'x'.repeat(100),
      'x'.repeat(100),
      undefined,
    ])
    await kv.close()
  })
})
