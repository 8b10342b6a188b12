import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { systemCodeOf } from '../errors/index.ts'
import { parseObjects } from './objects.ts'
import type { AnyObject } from './port.ts'
import { revisionOf } from './snapshot.ts'

export interface KeptSnapshot {
  revision: string
  publishedAt: number
  objects: readonly AnyObject[]
}

const shape = z.object({ revision: z.string(), publishedAt: z.number(), objects: z.unknown() })

const isAbsent = (error: unknown): boolean => systemCodeOf(error) === 'ENOENT'

/** The last snapshot on disk: written aside and renamed, so that a crash leaves the old or the new one. */
export const createSnapshotFile = (path: string) => {
  let queue: Promise<void> = Promise.resolve()

  const writeNow = async (kept: KeptSnapshot): Promise<void> => {
    await mkdir(dirname(path), { recursive: true })
    const aside = `${path}.${process.pid}.${randomUUID()}`
    try {
      const handle = await open(aside, 'wx', 0o600)
      try {
        await handle.writeFile(JSON.stringify(kept))
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(aside, path)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    }
  }

  return {
    write(kept: KeptSnapshot): Promise<void> {
      const written = queue.then(() => writeNow(kept))
      queue = written.catch(() => undefined)
      return written
    },
    /** `undefined` when there is none; throws when its content is not the revision that it names. */
    async read(): Promise<KeptSnapshot | undefined> {
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (error) {
        if (isAbsent(error)) return undefined
        throw error
      }
      const { revision, publishedAt, objects: raw } = shape.parse(JSON.parse(text))
      const objects = parseObjects(raw)
      if (revisionOf(objects) !== revision) throw new Error('its content is not its revision')
      return { revision, publishedAt, objects }
    },
    settled: (): Promise<void> => queue,
  }
}
