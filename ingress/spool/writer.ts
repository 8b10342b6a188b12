import type { FileHandle } from 'node:fs/promises'
import { ZenhookError } from '../../core/errors/index.ts'
import { type Segment, type SpoolFs, segmentPath, syncDir } from './segments.ts'

interface Waiting {
  frame: Buffer
  resolve(): void
  reject(error: unknown): void
}

export interface WriterOptions {
  fs: SpoolFs
  dir: string
  segmentBytes: number
  /** Most bytes of one write and sync. */
  groupBytes: number
  nextSeq: number
  onSegment(segment: Segment): void
  onWritten(): void
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

const failureOf = (error: unknown): ZenhookError =>
  new ZenhookError(
    codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT'
      ? 'ZENHOOK_INGRESS_SPOOL_FULL'
      : 'ZENHOOK_INGRESS_SPOOL_BROKEN',
    { retriable: true, cause: error },
  )

/**
 * Appends frames to segment files, many writers sharing one write and one sync. `append` resolves only
 * after the sync. After a failed write or sync the group is cut off again, or the segment is left for good.
 */
export const createWriter = (options: WriterOptions) => {
  const { fs, dir } = options
  const waiting: Waiting[] = []
  let current: { segment: Segment; handle: FileHandle } | undefined
  let nextSeq = options.nextSeq
  let running: Promise<void> | undefined

  const open = async (): Promise<{ segment: Segment; handle: FileHandle }> => {
    if (current !== undefined && current.segment.size >= options.segmentBytes) await leave()
    if (current !== undefined) return current
    const segment = { seq: nextSeq, path: segmentPath(dir, nextSeq), size: 0 }
    nextSeq += 1
    const handle = await fs.open(segment.path, 'wx')
    try {
      await syncDir(fs, dir)
    } catch (error) {
      await handle.close().catch(() => {})
      await fs.unlink(segment.path).catch(() => {})
      throw error
    }
    options.onSegment(segment)
    current = { segment, handle }
    return current
  }

  const leave = async (): Promise<void> => {
    const left = current
    current = undefined
    await left?.handle.close().catch(() => {})
  }

  const cutOff = async (): Promise<void> => {
    if (current === undefined) return
    try {
      await current.handle.truncate(current.segment.size)
    } catch {
      // The torn end stays behind; it is skipped when the segment is read.
    }
    // After a failed sync nothing is known of the file's pages: never write to it again.
    await leave()
  }

  const writeAll = async (handle: FileHandle, bytes: Buffer, at: number): Promise<void> => {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
      done += bytesWritten
    }
  }

  const takeGroup = (): Waiting[] => {
    let size = 0
    let count = 0
    for (const { frame } of waiting) {
      if (count > 0 && size + frame.length > options.groupBytes) break
      size += frame.length
      count += 1
    }
    return waiting.splice(0, count)
  }

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = takeGroup()
      try {
        const { segment, handle } = await open()
        const bytes = Buffer.concat(group.map(({ frame }) => frame))
        await writeAll(handle, bytes, segment.size)
        await handle.datasync()
        segment.size += bytes.length
        for (const { resolve } of group) resolve()
        options.onWritten()
      } catch (error) {
        await cutOff()
        const failure = failureOf(error)
        for (const { reject } of group) reject(failure)
      }
    }
    running = undefined
  }

  return {
    append: (frame: Buffer): Promise<void> =>
      new Promise((resolve, reject) => {
        waiting.push({ frame, resolve, reject })
        running ??= run()
      }),
    /** Gives up the open segment, so that it can be removed; false while writes are under way. */
    async release(segment: Segment): Promise<boolean> {
      if (running !== undefined) return false
      if (current?.segment === segment) await leave()
      return true
    },
    async close(): Promise<void> {
      await running
      await leave()
    },
  }
}

export type Writer = ReturnType<typeof createWriter>
