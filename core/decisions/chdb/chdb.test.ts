import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { decisionsContract } from '../contract.ts'
import { createChdbDecisions } from './index.ts'

const parent = await mkdtemp(join(tmpdir(), 'zenhook-chdb-'))
const folder = join(parent, 'contract')

decisionsContract({
  name: 'chdb',
  open: () => createChdbDecisions({ folder }),
  reopen: () => createChdbDecisions({ folder }),
  destroy: async () => undefined,
})

const adapter = fileURLToPath(new URL('index.ts', import.meta.url))
const tables = fileURLToPath(new URL('../tables.ts', import.meta.url))

/** Runs a module in a process of its own, with `open(folder)` in scope. */
const startProcess = (code: string) => {
  const prelude = `const { createChdbDecisions } = await import(${JSON.stringify(adapter)})
    const { valuesOf } = await import(${JSON.stringify(tables)})
    const open = (folder) => createChdbDecisions({ folder })`
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', `${prelude}\n${code}`],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return { child, ended, lines: createInterface({ input: child.stdout }) }
}

describe('chdb', () => {
  afterAll(() => rm(parent, { recursive: true, force: true }))

  it('says who has the folder open', { timeout: 30_000 }, async () => {
    const locked = join(parent, 'locked')
    const { child, ended, lines } = startProcess(`
      await open(${JSON.stringify(locked)})
      console.log('open')
      setInterval(() => {}, 1_000)`)
    for await (const _ of lines) break
    await expect(createChdbDecisions({ folder: locked })).rejects.toMatchObject({
      code: 'ZENHOOK_DECISIONS_LOCKED',
      details: { pid: child.pid },
    })
    child.kill('SIGKILL')
    await ended
    const store = await createChdbDecisions({ folder: locked })
    await store.close()
  })

  it('keeps every acknowledged row over kill -9', { timeout: 60_000 }, async () => {
    const crashed = join(parent, 'crashed')
    const { child, ended, lines } = startProcess(`
      const store = await open(${JSON.stringify(crashed)})
      await store.ensureTables()
      for (let batch = 0; ; batch += 1) {
        const rows = Array.from({ length: 200 }, (_, index) => valuesOf('events', { tenant: 't', id: batch + '/' + index, received_at: 1_770_000_000_000 }))
        await store.insert('events', rows)
        console.log(String(batch))
      }`)
    let acknowledged = -1
    for await (const line of lines) {
      acknowledged = Number(line)
      if (acknowledged >= 20) break
    }
    child.kill('SIGKILL')
    await ended
    const store = await createChdbDecisions({ folder: crashed })
    await store.ensureTables()
    const rows = await store.select<{ batch: number; rows: number }>(
      "SELECT toUInt32(splitByChar('/', id)[1]) AS batch, count() AS rows FROM events FINAL GROUP BY batch ORDER BY batch",
    )
    await store.close()
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged + 1)
    for (const { rows: count } of rows) expect(count).toBe(200)
    expect(acknowledged).toBeGreaterThanOrEqual(20)
  })

  it('refuses to run in a worker thread, where it would end the process', async () => {
    const worker = new Worker(
      `import { parentPort } from 'node:worker_threads'
       import { register } from 'tsx/esm/api'
       register()
       const { createChdbDecisions } = await import(${JSON.stringify(adapter)})
       const message = await createChdbDecisions({ folder: ${JSON.stringify(join(parent, 'w'))} }).catch((error) => error.code)
       parentPort.postMessage(message)`,
      { eval: true, execArgv: ['--input-type=module'] },
    )
    const message = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    await worker.terminate()
    expect(message).toBe('ZENHOOK_DECISIONS_UNAVAILABLE')
  })
})
