import { spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEmbeddedLog } from '../../core/log/embedded/index.ts'
import type { LocalLog } from '../../core/log/local/index.ts'
import { openStorage } from '../../core/storage/index.ts'
import { keptSecret, openDataFolder } from './data-folder.ts'

/** A key of the first format: topic (u32), partition (u32), offset (u64). */
const keyOf = (offset: number): Buffer => {
  const key = Buffer.alloc(16)
  key.writeBigUInt64BE(BigInt(offset), 8)
  return key
}

/** A record of the first format: timestamp (f64), flags, lengths of key and headers, key, headers, value. */
const recordOf = (key: string, headers: string, value: string): Buffer => {
  const head = Buffer.alloc(17)
  head.writeDoubleBE(1_700_000_000_000, 0)
  head[8] = 3
  head.writeUInt32BE(key.length, 9)
  head.writeUInt32BE(headers.length, 13)
  return Buffer.concat([head, Buffer.from(key + headers + value)])
}

const topic = 'received'
const spec = { name: topic, partitions: 1, retentionMs: -1, maxMessageBytes: 2 ** 20 }

describe('the data folder', () => {
  let base: string
  let dir: string
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'zenhook-folder-'))
    dir = join(base, 'data')
    await mkdir(dir)
  })
  afterEach(() => rm(base, { recursive: true, force: true }))

  /** A folder as the first format left it: each record a value, the first 40 of 100 trimmed. */
  const first = async (): Promise<void> => {
    const storage = openStorage(join(dir, 'log'))
    const json = (value: unknown) => Buffer.from(JSON.stringify(value))
    const records = storage.table('log.records')
    await storage.write([
      {
        table: storage.table('log.topics'),
        key: Buffer.from(topic),
        value: json({ ...spec, id: 0 }),
      },
      {
        table: storage.table('log.floors'),
        key: keyOf(0).subarray(0, 8),
        value: json({ first: 40, next: 100 }),
      },
      {
        table: storage.table('log.progress'),
        key: Buffer.from(JSON.stringify(['g', topic, 0])),
        value: json({ topic, partition: 0, offset: 70, group: 'g' }),
      },
      ...Array.from({ length: 60 }, (_, n) => ({
        table: records,
        key: keyOf(40 + n),
        value: recordOf('key', '{"n":"1"}', `old ${40 + n}`),
      })),
    ]).synced
    await storage.close()
    await writeFile(join(dir, 'format'), 'zenhook data 1\n')
    await writeFile(join(dir, 'admin-token'), 'secret')
  }

  const withLog = async (work: (log: LocalLog) => Promise<void>): Promise<void> => {
    const storage = openStorage(join(dir, 'log'))
    const log = createEmbeddedLog({ storage })
    try {
      await work(log)
    } finally {
      await log.close()
      await storage.close()
    }
  }
  const valuesOf = async (log: LocalLog, offset: number): Promise<string[]> => {
    const values: string[] = []
    for await (const record of log.read({ topic, partition: 0, offset })) {
      expect(record).toMatchObject({ key: expect.any(String), offset: offset + values.length })
      values.push(Buffer.from(record.value ?? []).toString())
    }
    return values
  }
  const old = Array.from({ length: 60 }, (_, n) => `old ${40 + n}`)

  /** The records of before are all there, and those of now join them, over a restart too. */
  const holds = async (): Promise<void> => {
    expect(await readFile(join(dir, 'format'), 'utf8')).toBe('zenhook data 2\n')
    expect((await readdir(dir)).sort()).toEqual(['admin-token', 'format', 'log'])
    const fresh = Array.from({ length: 20 }, (_, n) => `new ${n}`)
    await withLog(async (log) => {
      await log.ensureTopics([spec])
      expect(await log.ends(topic)).toEqual([{ topic, partition: 0, first: 40, next: 100 }])
      expect(await log.lag('g')).toMatchObject([{ offset: 70, records: 30 }])
      expect(await valuesOf(log, 40)).toEqual(old)
      await log.append(fresh.map((text) => ({ topic, key: 'k', value: Buffer.from(text) })))
    })
    await withLog(async (log) => {
      expect(await valuesOf(log, 40)).toEqual([...old, ...fresh])
      expect(await valuesOf(log, 110)).toEqual(fresh.slice(10))
      await log.trim(topic, 0, 105)
      expect(await log.ends(topic)).toEqual([{ topic, partition: 0, first: 105, next: 120 }])
      expect(await valuesOf(log, 105)).toEqual(fresh.slice(5))
    })
  }

  it('of the first format is brought forward with its records', async () => {
    await first()
    await openDataFolder(dir)
    await holds()
    await openDataFolder(dir)
  })

  it('F93: survives kill -9 at every step of that', { timeout: 120_000 }, async () => {
    await first()
    const origin = join(base, 'origin')
    await cp(dir, origin, { recursive: true })
    const child = fileURLToPath(new URL('./data-folder.fixture.ts', import.meta.url))
    for (let last = 1; ; last += 1) {
      await rm(dir, { recursive: true, force: true })
      await cp(origin, dir, { recursive: true })
      const run = spawnSync(process.execPath, ['--import', 'tsx', child, dir, String(last)], {
        encoding: 'utf8',
      })
      if (run.signal === null) {
        expect(run.stdout).toMatch(/^ended after \d+ steps/)
        expect(last).toBeGreaterThan(4)
        await holds()
        break
      }
      expect(run.signal).toBe('SIGKILL')
      await openDataFolder(dir)
      await holds()
    }
  })

  it('begun by many at once is one folder, with one secret', async () => {
    for (let round = 0; round < 20; round += 1) {
      const fresh = join(base, `fresh-${round}`)
      const secrets = await Promise.all(
        Array.from({ length: 8 }, async (_, n) => {
          await openDataFolder(fresh)
          return keptSecret(join(fresh, 'admin-token'), () => `secret ${n}`)
        }),
      )
      expect(new Set(secrets).size).toBe(1)
      expect(await readFile(join(fresh, 'admin-token'), 'utf8')).toBe(`${secrets[0]}\n`)
      expect(await readFile(join(fresh, 'format'), 'utf8')).toBe('zenhook data 2\n')
      expect((await readdir(fresh)).sort()).toEqual(['admin-token', 'format'])
    }
  })

  it('of a newer format is refused, and left as it is', async () => {
    await first()
    await writeFile(join(dir, 'format'), 'zenhook data 3\n')
    await expect(openDataFolder(dir)).rejects.toMatchObject({ code: 'ZENHOOK_STORAGE_VERSION' })
    expect(await readFile(join(dir, 'format'), 'utf8')).toBe('zenhook data 3\n')
  })
})
