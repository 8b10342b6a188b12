import { randomUUID } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What a file, or the entries of a folder, hold now outlasts the loss of power. */
export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Beside a file, for what shall take its place. */
export const asideOf = (path: string): string => `${path}.${randomUUID()}.new`

const leftover = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.new$/
const hourMs = 3_600_000

/** Removes what a process that was killed has left beside the files of a folder; not what may be written now. */
export const sweepAside = async (folder: string): Promise<void> => {
  const names = (await readdir(folder)).filter((name) => leftover.test(name))
  for (const path of names.map((name) => join(folder, name))) {
    const left = await stat(path).catch(() => undefined)
    if (left !== undefined && left.mtimeMs < Date.now() - hourMs) await rm(path, { force: true })
  }
}

/**
 * Puts a text into a file, whole or not at all, also after the loss of power; readable by its owner alone. Where
 * several processes write at once, one of them wins, whole. Rejects with the system's error, and leaves the file
 * as it was then.
 */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const aside = asideOf(path)
  try {
    const handle = await open(aside, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
  await syncPath(dirname(path))
}
