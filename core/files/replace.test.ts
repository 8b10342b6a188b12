import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asideOf, replaceFile, sweepAside } from './index.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zenhook-files-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('replacing a file', () => {
  it('makes it, and puts another text in its place, for its owner alone', async () => {
    const path = join(folder, 'kept')
    await replaceFile(path, 'first')
    await replaceFile(path, 'second, and longer')
    expect(await readFile(path, 'utf8')).toBe('second, and longer')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['kept'])
  })

  it('of many at once one wins, whole', async () => {
    const path = join(folder, 'kept')
    const texts = Array.from({ length: 20 }, (_, n) => String(n).repeat(100_000))
    await Promise.all(texts.map((text) => replaceFile(path, text)))
    expect(texts).toContain(await readFile(path, 'utf8'))
    expect(await readdir(folder)).toEqual(['kept'])
  })

  it('leaves what stands there, and nothing beside it, when it cannot', async () => {
    const path = join(folder, 'kept')
    await mkdir(path)
    await writeFile(join(path, 'inside'), 'x')
    await expect(replaceFile(path, 'text')).rejects.toMatchObject({ code: expect.any(String) })
    await expect(replaceFile(join(folder, 'missing', 'kept'), 'text')).rejects.toMatchObject({
      code: 'ENOENT',
    })
    expect(await readdir(folder)).toEqual(['kept'])
    expect(await readFile(join(path, 'inside'), 'utf8')).toBe('x')
  })
})

it('what a killed process left aside is swept, and nothing else', async () => {
  const kept = join(folder, 'kept')
  const old = asideOf(kept)
  const young = asideOf(kept)
  const alike = join(folder, 'release.new')
  for (const path of [old, young, alike]) await writeFile(path, 'x')
  const long = new Date(Date.now() - 2 * 3_600_000)
  for (const path of [old, alike]) await utimes(path, long, long)
  await sweepAside(folder)
  expect((await readdir(folder)).map((name) => join(folder, name)).sort()).toEqual(
    [young, alike].sort(),
  )
})
