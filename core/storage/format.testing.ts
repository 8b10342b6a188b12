import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bringForward, type FormatOptions, type Migration } from './format.ts'

/**
 * Formats of a test: in 1 a spool is lines of text and there are two files; in 2 each line is a file of its
 * own, one file is new and one is gone; in 3 the lines are upper case.
 */
const toFiles: Migration = {
  from: 1,
  what: 'a file for each line',
  parts: ['spool', 'registry.json', 'schemas.json'],
  async run(from, to) {
    await mkdir(join(to, 'spool'))
    const lines = (await readFile(join(from, 'spool', 'lines'), 'utf8')).trim().split('\n')
    for (const [index, line] of lines.entries())
      await writeFile(join(to, 'spool', String(index)), line)
    const registry = JSON.parse(await readFile(join(from, 'registry.json'), 'utf8')) as object
    await writeFile(join(to, 'registry.json'), JSON.stringify({ ...registry, version: 2 }))
  },
}

const toUpper: Migration = {
  from: 2,
  what: 'upper case',
  parts: ['spool', 'index'],
  async run(from, to) {
    await mkdir(join(to, 'spool'))
    const names = await readdir(join(from, 'spool'))
    for (const name of names) {
      const text = await readFile(join(from, 'spool', name), 'utf8')
      await writeFile(join(to, 'spool', name), text.toUpperCase())
    }
    await writeFile(join(to, 'index'), names.sort().join())
  },
}

export const testFormat: FormatOptions = {
  format: 3,
  migrations: [toFiles, toUpper],
  locked: ['log', 'spool'],
}

/** For a process of its own: brings a folder forward, and is killed at a step of it, counted from 1. */
export const bringForwardUntil = async (
  dir: string,
  last: number,
  options: FormatOptions,
): Promise<void> => {
  let step = 0
  await bringForward(dir, {
    ...options,
    onStep: () => {
      step += 1
      if (step === last) process.kill(process.pid, 'SIGKILL')
    },
  })
  console.log(`ended after ${step} steps`)
}
