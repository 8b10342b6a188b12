import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { systemCodeOf } from '../errors/index.ts'
import { replaceFile } from '../files/index.ts'
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

/** The last snapshot on disk: a crash leaves the old or the new one. */
export const createSnapshotFile = (path: string) => {
  let queue: Promise<void> = Promise.resolve()

  const writeNow = async (kept: KeptSnapshot): Promise<void> => {
    await mkdir(dirname(path), { recursive: true })
    await replaceFile(path, JSON.stringify(kept))
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
