import type { FileHandle } from 'node:fs/promises'
import { systemCodeOf, ZenhookError } from '../../core/errors/index.ts'
import { stamp } from './frame.ts'
import { newSegment, type Segment, type SpoolFs, syncDir } from './segments.ts'

/** A frame to be kept. Exactly one of `kept` and `refused` is called in the end, `late` at most once before. */
export interface Entry {
  frame: Buffer
  kept(): void
  refused(error: ZenhookError): void
  /** Nobody knows yet: the disk takes longer than anybody waits. */
  late(error: ZenhookError): void
}

export interface WriterOptions {
  fs: SpoolFs
  dir: string
  segmentBytes: number
  /** Most bytes of one write and sync. */
  groupBytes: number
  /** A write and sync that takes longer counts as a disk that hangs, ms. */
  stallMs: number
  nextSeq: number
  onSegment(segment: Segment): void
  /** Nothing was kept in it, and its file is gone. */
  onEmpty(segment: Segment): void
  onWritten(): void
}

/** `unknown`: the bytes may be on the disk all the same, and be read at the next start. */
const failureOf = (error: unknown, unknown: boolean): ZenhookError =>
  new ZenhookError(
    ['ENOSPC', 'EDQUOT'].includes(systemCodeOf(error))
      ? 'ZENHOOK_INGRESS_SPOOL_FULL'
      : 'ZENHOOK_INGRESS_SPOOL_BROKEN',
    { retriable: true, details: { unknown }, cause: error },
  )

const hanging = (unknown: boolean): ZenhookError =>
  new ZenhookError('ZENHOOK_INGRESS_SPOOL_BROKEN', {
    message: 'The disk of the spool does not answer',
    retriable: true,
    details: { unknown },
  })

/**
 * Appends frames to segment files, many writers sharing one write and one sync. An entry is kept only
 * after the sync. After a failed write or sync the group is cut off again and the segment left for good:
 * a second sync would say yes to pages that the first one dropped.
 */
export const createWriter = (options: WriterOptions) => {
  const { fs, dir } = options
  let waiting: Entry[] = []
  let current: { segment: Segment; handle: FileHandle } | undefined
  let nextSeq = options.nextSeq
  let running: Promise<void> | undefined
  let stalled = false

  const open = async (): Promise<{ segment: Segment; handle: FileHandle }> => {
    if (current !== undefined && current.segment.size >= options.segmentBytes) await leave()
    if (current !== undefined) return current
    const segment = newSegment(dir, nextSeq)
    nextSeq += 1
    const handle = await fs.open(segment.path, 'wx', 0o600)
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

  /** Whether nothing of the group can be read again. */
  const cutOff = async (): Promise<boolean> => {
    if (current === undefined) return true
    const { segment, handle } = current
    try {
      await handle.truncate(segment.size)
      return true
    } catch {
      return false
    } finally {
      await leave()
      if (segment.size === 0) {
        await fs.unlink(segment.path).catch(() => {})
        options.onEmpty(segment)
      }
    }
  }

  const writeAll = async (handle: FileHandle, bytes: Buffer, at: number): Promise<void> => {
    let done = 0
    while (done < bytes.length) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done)
      if (bytesWritten === 0) throw new Error('the file takes no more bytes')
      done += bytesWritten
    }
  }

  const takeGroup = (): Entry[] => {
    let size = 0
    let count = 0
    for (const { frame } of waiting) {
      if (count > 0 && size + frame.length > options.groupBytes) break
      size += frame.length
      count += 1
    }
    return waiting.splice(0, count)
  }

  const writeGroup = async (group: readonly Entry[]): Promise<void> => {
    let syncing = false
    try {
      const { segment, handle } = await open()
      for (const { frame } of group) stamp(frame, segment.framing)
      const bytes = Buffer.concat(group.map(({ frame }) => frame))
      await writeAll(handle, bytes, segment.size)
      syncing = true
      await handle.datasync()
      segment.size += bytes.length
      segment.records += group.length
      for (const { kept } of group) kept()
    } catch (error) {
      const gone = await cutOff()
      const failure = failureOf(error, syncing || !gone)
      for (const { refused } of group) refused(failure)
      return
    }
    options.onWritten()
  }

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = takeGroup()
      const timer = setTimeout(() => {
        stalled = true
        for (const { late } of group) late(hanging(true))
        const behind = waiting
        waiting = []
        for (const { refused } of behind) refused(hanging(false))
      }, options.stallMs)
      await writeGroup(group)
      clearTimeout(timer)
      stalled = false
    }
    running = undefined
  }

  return {
    append(entry: Entry): void {
      if (stalled) {
        entry.refused(hanging(false))
        return
      }
      waiting.push(entry)
      running ??= run()
    },
    /** Gives up the open segment, so that it can be removed; false while writes are under way. */
    async release(segment: Segment): Promise<boolean> {
      if (running !== undefined) return false
      if (current?.segment === segment) await leave()
      return true
    },
    /** Waits for what is under way, but not for a disk that hangs. */
    async close(): Promise<void> {
      let timer: NodeJS.Timeout | undefined
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, options.stallMs)
      })
      const ended = (running ?? Promise.resolve()).then(leave)
      await Promise.race([ended, patience])
      clearTimeout(timer)
    },
  }
}

export type Writer = ReturnType<typeof createWriter>
