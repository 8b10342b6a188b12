import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStorage } from '../../storage/index.ts'
import type { Kv } from '../port.ts'
import { createEmbeddedKv } from './index.ts'

const fixture = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

describe('kill -9', { timeout: 90_000 }, () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'zenhook-crash-'))
  })
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  /** Runs the fixture on the folder until it told that much, kills it, and gives the lines. */
  const killed = async (flushEveryMs: number, first: number, bytes: number): Promise<string[]> => {
    const args = ['--import', 'tsx', fixture('./crash.fixture.ts'), dir]
    const child = spawn(process.execPath, [...args, String(flushEveryMs), String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
      if (output.length > bytes) child.kill('SIGKILL')
    })
    await gone
    expect(child.signalCode).toBe('SIGKILL')
    // The last line may be torn.
    return output.split('\n').slice(0, -1)
  }

  const check = async (kv: Kv, lines: readonly string[]): Promise<void> => {
    const told = (what: string) =>
      lines.filter((line) => line.startsWith(what)).map((line) => line.slice(what.length + 1))
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
    for (let own = 0; own < 8; own += 1) {
      const turns = told(`turned ${own}`).map(Number)
      const [last] = await kv.get([`turned ${own}`])
      expect(Number(last)).toBeGreaterThanOrEqual(Math.max(...turns))
      expect(await kv.add(`turned ${own}`, 0, 1)).toBeGreaterThanOrEqual(Number(last))
    }
  }

  it.each([
    ['before any of it reached the engine', 3_600_000],
    ['while it reaches the engine', 1],
  ])('%s, time after time: what resolved is there', async (_, flushEveryMs) => {
    const lines: string[] = []
    for (let round = 0; round < 4; round += 1) {
      lines.push(...(await killed(flushEveryMs, round * 1_000_000, 15_000 + round * 3_111)))
      if (flushEveryMs > 1) expect(readdirSync(join(dir, 'state'))).not.toEqual([])
    }
    // Opened and closed at once, then opened again: from the journal, then from the engine alone.
    for (let opening = 0; opening < 2; opening += 1) {
      const storage = openStorage(dir)
      const kv = createEmbeddedKv({ storage })
      await check(kv, lines)
      await kv.close()
      expect(readdirSync(join(dir, 'state'))).toEqual([])
      await storage.close()
    }
  })

  it.each([
    ['the journal', 3_600_000],
    ['the engine, then the journal', 5],
  ])('where the disk takes no more of %s: nothing is pretended', async (_, flushEveryMs) => {
    // No file may grow beyond 3 MB: as a disk that is full, without one.
    const limited = `trap '' XFSZ; ulimit -f 3000; exec "$@"`
    const args = ['--import', 'tsx', fixture('./full.fixture.ts'), dir, String(flushEveryMs)]
    const child = spawn('bash', ['-c', limited, 'bash', process.execPath, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString()
    })
    await new Promise((resolve) => child.once('close', resolve))
    expect(child.signalCode).toBe('SIGKILL')
    const said = JSON.parse(output) as Record<string, unknown>
    expect(said).toMatchObject({ code: 'ZENHOOK_KV_UNAVAILABLE', retriable: true, seen: false })
    const promised = Number(said.promised)
    expect(promised).toBeGreaterThan(50)

    const storage = openStorage(dir)
    const kv = createEmbeddedKv({ storage })
    const keys = Array.from({ length: promised }, (_, n) => `key ${n}`)
    const values = await kv.get(keys)
    expect(values).toEqual(keys.map((_, n) => String(n).repeat(2_000)))
    const small = Array.from({ length: Number(said.small) }, (_, n) => `s${n}`)
    expect(await kv.get(small)).toEqual(small.map(() => 's'))
    await kv.close()
    await storage.close()
  })
})
