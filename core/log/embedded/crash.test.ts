import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openStorage } from '../../storage/index.ts'
import type { Log } from '../port.ts'
import { createEmbeddedLog } from './index.ts'

const fixture = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url))
const decoder = new TextDecoder()

/** Runs the fixture until it was promised enough, kills it, and gives the promises it told of. */
const killed = async (dir: string, run: string, lines: number): Promise<string[]> => {
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, dir, run], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString()
    if (output.length > lines * 20) child.kill('SIGKILL')
  })
  await gone
  expect(child.signalCode).toBe('SIGKILL')
  // The last line may be torn.
  return output.split('\n').slice(0, -1)
}

const readAll = async (log: Log, topic: string): Promise<string[]> => {
  const all: string[] = []
  for (const { partition, first } of await log.ends(topic))
    for await (const { value } of log.read({ topic, partition, offset: first }))
      all.push(decoder.decode(value ?? undefined))
  return all
}

it('kill -9: every promise holds, and each record has exactly one output', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'zenhook-crash-'))
  const promised: string[] = []
  for (const run of ['a', 'b', 'c']) promised.push(...(await killed(dir, run, 1_000)))
  const told = (what: string) =>
    promised.filter((line) => line.startsWith(what)).map((line) => line.slice(what.length + 1))

  const storage = openStorage(dir)
  const log = createEmbeddedLog({ storage })
  // Delayed records that were waiting come due now.
  await sleep(200)
  const before = await readAll(log, 'out')
  expect(told('settled').filter((id) => !before.includes(id))).toEqual([])
  await log.subscribe({ group: 'crash', topics: ['in'] }, async (batch) => {
    const last = batch.records.at(-1)
    const outputs = batch.records.map(({ key, value }) => ({ topic: 'out', key, value }))
    if (last !== undefined) await batch.settle(last, outputs)
    return undefined
  })
  const behind = async () => (await log.lag('crash')).reduce((sum, { records }) => sum + records, 0)
  for (let tries = 0; (await behind()) > 0 && tries < 500; tries += 1) await sleep(10)
  expect(await behind()).toBe(0)

  const stored = await readAll(log, 'in')
  expect(told('appended').length).toBeGreaterThan(500)
  expect(told('appended').filter((id) => !stored.includes(id))).toEqual([])
  expect(new Set(stored).size).toBe(stored.length)
  expect((await readAll(log, 'out')).sort()).toEqual(stored.sort())
  // It was about values that hold several records, too.
  const all = { from: Uint8Array.of(0), to: new Uint8Array(17).fill(255) }
  expect([...storage.table('log.records').range(all)].length).toBeLessThan(2 * stored.length)
  await log.close()
  await storage.close()
  rmSync(dir, { recursive: true, force: true })
}, 60_000)
