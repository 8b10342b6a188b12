import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockFolder } from '../lock/index.ts'
import { testFormat } from './format.testing.ts'
import { bringForward } from './format.ts'

let base: string
let dir: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'zenhook-format-'))
  dir = join(base, 'data')
  await mkdir(dir)
})
afterEach(() => rm(base, { recursive: true, force: true }))

const text = (name: string): Promise<string> => readFile(join(dir, name), 'utf8')

/** A folder of the first format, which had no marker. */
const first = async (): Promise<void> => {
  await mkdir(join(dir, 'spool'))
  await mkdir(join(dir, 'log'))
  await writeFile(join(dir, 'spool', 'lines'), 'one\ntwo\nthree\n')
  await writeFile(join(dir, 'log', 'store'), 'untouched')
  await writeFile(join(dir, 'registry.json'), '{"revision":"r7"}')
  await writeFile(join(dir, 'schemas.json'), 'away with it')
  await writeFile(join(dir, 'admin-token'), 'secret')
}

const everything = async (folder = dir): Promise<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name)
      found[path.slice(folder.length + 1)] = await readFile(path, 'utf8')
    }
  return found
}

const third = {
  format: 'zenhook data 3\n',
  'admin-token': 'secret',
  index: '0,1,2',
  'log/store': 'untouched',
  'registry.json': '{"revision":"r7","version":2}',
  'spool/0': 'ONE',
  'spool/1': 'TWO',
  'spool/2': 'THREE',
}

describe('the format of the data folder', () => {
  it('marks a new folder, and takes it the next time as it is', async () => {
    expect(await bringForward(dir, testFormat)).toBeUndefined()
    expect(await text('format')).toBe('zenhook data 3\n')
    expect(await bringForward(dir, testFormat)).toBe(3)
    expect(await readdir(dir)).toEqual(['format'])
  })

  it('takes what has other files of ours, but no data, as new', async () => {
    await writeFile(join(dir, 'admin-token'), 'secret')
    expect(await bringForward(dir, testFormat)).toBeUndefined()
  })

  it('marks a folder of the first format where that is the present one', async () => {
    await first()
    const before = await everything()
    expect(await bringForward(dir, { ...testFormat, format: 1, migrations: [] })).toBe(1)
    expect(await everything()).toEqual({ ...before, format: 'zenhook data 1\n' })
  })

  it('brings a folder forward over several formats, and leaves nothing behind', async () => {
    await first()
    expect(await bringForward(dir, testFormat)).toBe(1)
    expect(await everything()).toEqual(third)
    expect(await bringForward(dir, testFormat)).toBe(3)
  })

  it.each([
    ['zenhook data 4', /newer Zenhook/],
    ['zenhook data 999999999', /newer Zenhook/],
    ['zenhook data 0', /backup/],
    ['zenhook data 1e3', /backup/],
    ['something else', /backup/],
    ['', /backup/],
  ])('refuses "%s", tells the way out, and changes nothing', async (marker, fix) => {
    await first()
    await writeFile(join(dir, 'format'), marker)
    const before = await everything()
    await expect(bringForward(dir, testFormat)).rejects.toMatchObject({
      code: 'ZENHOOK_STORAGE_VERSION',
      fix: expect.stringMatching(fix),
      message: expect.stringContaining(dir),
    })
    expect(await everything()).toEqual(before)
  })

  it('refuses to migrate what a process works on, and names it', async () => {
    await first()
    const release = lockFolder(join(dir, 'spool'), {
      code: 'ZENHOOK_INGRESS_SPOOL_LOCKED',
      what: 'the spool folder',
    })
    await expect(bringForward(dir, testFormat)).rejects.toMatchObject({
      code: 'ZENHOOK_STORAGE_LOCKED',
      details: { pid: process.pid },
    })
    release()
    expect(await bringForward(dir, testFormat)).toBe(1)
    expect(await everything()).toEqual(third)
  })

  it('stays as it was when a migration fails, says which, and can be tried again', async () => {
    await first()
    const before = await everything()
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
    const broken = {
      ...testFormat,
      migrations: testFormat.migrations.map((migration) => ({
        ...migration,
        async run(from: string, to: string) {
          await migration.run(from, to)
          throw full
        },
      })),
    }
    await expect(bringForward(dir, broken)).rejects.toMatchObject({
      code: 'ZENHOOK_STORAGE_MIGRATION',
      message: expect.stringMatching(/format 1 to 2 \(a file for each line\): ENOSPC/),
    })
    const after = await everything()
    for (const [name, bytes] of Object.entries(before)) expect(after[name]).toBe(bytes)
    await bringForward(dir, testFormat)
    expect(await everything()).toEqual(third)
  })

  it('F93: survives kill -9 at every step of a migration, again and again', {
    timeout: 600_000,
  }, async () => {
    await first()
    const origin = join(base, 'origin')
    await cp(dir, origin, { recursive: true })
    const child = fileURLToPath(new URL('./format.fixture.ts', import.meta.url))
    const run = (last: number) =>
      spawnSync(process.execPath, ['--import', 'tsx', child, dir, String(last)], {
        encoding: 'utf8',
      })
    let kills = 0
    for (let last = 1; ; last += 1) {
      await rm(dir, { recursive: true, force: true })
      await cp(origin, dir, { recursive: true })
      const killed = run(last)
      if (killed.signal === null) {
        expect(killed.stdout).toMatch(/^ended after \d+ steps/)
        expect(await everything()).toEqual(third)
        break
      }
      expect(killed.signal).toBe('SIGKILL')
      kills += 1
      // A second one, in the middle of what the next start does.
      if (last % 3 === 0) run(2)
      const found = await bringForward(dir, testFormat)
      expect([1, 2, 3]).toContain(found)
      expect(await everything()).toEqual(third)
      expect(existsSync(join(dir, 'migration.json'))).toBe(false)
    }
    expect(kills).toBeGreaterThan(15)
  })
})
