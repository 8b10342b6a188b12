import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What a file, or the entries of a folder, hold now outlasts the loss of power. */
export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Puts a text into a file, whole or not at all, also after the loss of power; readable by its owner alone. Where
 * several processes write at once, one of them wins, whole. Rejects with the system's error, and leaves the file
 * as it was then.
 */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const aside = `${path}.${randomUUID()}.new`
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
