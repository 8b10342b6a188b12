import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openStorage } from '../../storage/index.ts'
import { createEmbeddedKv } from './index.ts'

const fixture = fileURLToPath(new URL('./crash.fixture.ts', import.meta.url))

it('kill -9: what resolved is there', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'zenhook-crash-'))
  const child = spawn(process.execPath, ['--import', 'tsx', fixture, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString()
    if (output.length > 20_000) child.kill('SIGKILL')
  })
  await gone
  expect(child.signalCode).toBe('SIGKILL')
  const lines = output.split('\n').slice(0, -1)
  const told = (what: string) =>
    lines.filter((line) => line.startsWith(what)).map((line) => line.slice(what.length + 1))

  const storage = openStorage(dir)
  const kv = createEmbeddedKv({ storage })
  expect(told('set').length).toBeGreaterThan(300)
  expect(await kv.get(told('set').map((n) => `key ${n}`))).toEqual(told('set'))
  const claims = told('claimed').map((n) => ({
    key: `key ${n}`,
    owner: 'another',
    at: Number(n),
    windowMs: 3_600_000,
  }))
  const holders = await kv.claim(claims)
  expect(holders.map(({ owner }) => owner)).toEqual(told('claimed').map((n) => `owner ${n}`))
  const most = Math.max(...told('counted').map(Number))
  expect(await kv.add('counter', 0, 1)).toBeGreaterThanOrEqual(most)
  await kv.close()
  await storage.close()
  rmSync(dir, { recursive: true, force: true })
}, 60_000)
