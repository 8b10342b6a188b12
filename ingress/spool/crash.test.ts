import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openSpool } from './spool.ts'

const child = join(import.meta.dirname, 'crash.child.ts')

/** Runs a writer for a while, ends it with SIGKILL, and gives what it had been promised. */
const writeUntilKilled = (dir: string, from: number, forMs: number): Promise<number[]> =>
  new Promise((resolve, reject) => {
    const writer = spawn(process.execPath, ['--import', 'tsx', child, dir, String(from)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    writer.stdout.on('data', (chunk: Buffer) => {
      // The time runs from its first record: starting up takes a while.
      if (text === '') setTimeout(() => writer.kill('SIGKILL'), forMs)
      text += chunk
    })
    writer.on('error', reject)
    writer.on('close', () => resolve(text.split('\n').slice(0, -1).map(Number)))
  })

it('keeps every record it promised over kill -9, and the order of each key', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'zenhook-crash-'))
  try {
    const promised: number[] = []
    for (const forMs of [15, 70, 140]) {
      const got = await writeUntilKilled(dir, promised.length * 10 + 10_000 * forMs, forMs)
      expect(got.length).toBeGreaterThan(0)
      promised.push(...got)
    }
    const spool = await openSpool({ dir, segmentBytes: 20_000 })
    const found: { n: number; key: string | null }[] = []
    for (let batch = await spool.peek(50, 1e6); batch; batch = await spool.peek(50, 1e6)) {
      for (const { headers, key, value } of batch.records) {
        const n = Number(headers?.n)
        found.push({ n, key })
        expect(value).toEqual(Buffer.alloc(300 + (n % 400), n % 251))
      }
      await batch.commit()
    }
    await spool.close()
    const kept = new Set(found.map(({ n }) => n))
    expect(promised.filter((n) => !kept.has(n))).toEqual([])
    expect(kept.size).toBe(found.length)
    for (const key of new Set(found.map((each) => each.key))) {
      const numbers = found.filter((each) => each.key === key).map(({ n }) => n)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
