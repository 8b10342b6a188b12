import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import type { NewRecord } from '../../core/log/port.ts'
import { openSpool, type Spool, type SpoolOptions } from './spool.ts'

/** Folder of the case of the file that imports this. */
export let dir: string
const opened: Spool[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zenhook-spool-'))
})
export const closeAll = async (): Promise<void> => {
  for (const spool of opened.splice(0)) await spool.close()
}
afterEach(async () => {
  await closeAll()
  await rm(dir, { recursive: true, force: true })
})

/** A spool in the folder of the case, closed after it. */
export const open = async (over: Partial<SpoolOptions> = {}): Promise<Spool> => {
  const spool = await openSpool({ dir, ...over })
  opened.push(spool)
  return spool
}

export const record = (n: number, size = 10): NewRecord => ({
  topic: 'received',
  key: `k${n % 3}`,
  value: Buffer.alloc(size, n),
  headers: { id: `id-${n}` },
  timestamp: n,
})

export const drained = async (spool: Spool): Promise<NewRecord[]> => {
  const found: NewRecord[] = []
  for (let batch = await spool.peek(7, 1024); batch; batch = await spool.peek(7, 1024)) {
    found.push(...batch.records)
    await batch.commit()
  }
  return found
}

/** Which of `record` they were. */
export const drainedTimes = async (spool: Spool): Promise<(number | undefined)[]> =>
  (await drained(spool)).map(({ timestamp }) => timestamp)
