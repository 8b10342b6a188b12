import { ZenhookError } from '../../core/errors/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { type Logger, silentLogger } from '../../core/telemetry/index.ts'
import { encodeFrame, frameOverhead } from './frame.ts'
import { createKeyCounts } from './keys.ts'
import { lockFolder } from './lock.ts'
import {
  type Located,
  listSegments,
  nodeFs,
  readProgress,
  readRecords,
  type Segment,
  type SpoolFs,
  writeProgress,
} from './segments.ts'
import { createWriter } from './writer.ts'

export interface SpoolOptions {
  /** Folder of its own, on a volume that survives the process. */
  dir: string
  /** Bytes on disk; 1 GiB by default. */
  maxBytes?: number
  segmentBytes?: number
  /** Largest record that may be spooled; bounds what a damaged length can make us believe. */
  maxRecordBytes?: number
  logger?: Logger
  fs?: SpoolFs
}

export interface SpoolStats {
  /** Not in the log yet. */
  records: number
  /** On disk. */
  bytes: number
  /** Since the spool was opened. */
  written: number
}

/** Records at the head of the spool; `commit` says that they are in the log. */
export interface SpoolBatch {
  records: readonly NewRecord[]
  commit(): Promise<void>
}

/**
 * Where events wait while the log is away: an append-only folder, synced before `write` resolves, read
 * in the order of writing. Survives `kill -9` at any point: a torn end is cut off, the rest is kept.
 * What was drained just before a crash may be drained again.
 */
export interface Spool {
  /** Rejects with ZENHOOK_INGRESS_SPOOL_FULL or _BROKEN (retriable); nothing was kept then. */
  write(record: NewRecord): Promise<void>
  /** Whether a record of this key may wait here: later ones must not pass it. */
  holds(key: string | null): boolean
  stats(): SpoolStats
  /** The next records in order, or none; the same ones until they are committed. One reader at a time. */
  peek(maxRecords: number, maxBytes: number): Promise<SpoolBatch | undefined>
  /** Called after each write and once at the start if records wait. */
  onWaiting(listener: () => void): void
  close(): Promise<void>
}

const mebibyte = 1024 * 1024

export const openSpool = async (options: SpoolOptions): Promise<Spool> => {
  const {
    dir,
    maxBytes = 1024 * mebibyte,
    segmentBytes = 4 * mebibyte,
    maxRecordBytes = 16 * mebibyte,
    logger = silentLogger,
    fs = nodeFs,
  } = options
  const maxFrame = maxRecordBytes + frameOverhead
  await fs.mkdir(dir, { recursive: true, mode: 0o700 })
  const unlock = await lockFolder(fs, dir)

  const keys = createKeyCounts()
  const listeners: (() => void)[] = []
  let segments: Segment[] = []
  let records = 0
  let written = 0
  let queued = 0
  let closed = false
  /** Where reading goes on, in the first segment. */
  let offset = 0
  /** What was read of the first segment and not committed yet. */
  let ahead: Located[] = []

  const damage =
    (segment: Segment) =>
    (lost: { offset: number; bytes: number; tail: boolean }): void =>
      logger.error(
        { segment: segment.path, ...lost },
        lost.tail
          ? 'the end of a spool segment is torn: it was never acknowledged, and is skipped'
          : 'a stretch of the spool is damaged: its records are lost',
      )

  const readFrom = async (segment: Segment, from: number): Promise<Buffer> => {
    const handle = await fs.open(segment.path, 'r')
    try {
      const bytes = Buffer.allocUnsafe(segment.size - from)
      let done = 0
      while (done < bytes.length) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, from + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return bytes.subarray(0, done)
    } finally {
      await handle.close()
    }
  }

  const recover = async (): Promise<number> => {
    const found = await listSegments(fs, dir)
    const progress = await readProgress(fs, dir)
    for (const segment of found) {
      if (progress !== undefined && segment.seq < progress.seq) {
        await fs.unlink(segment.path)
        continue
      }
      const bytes = await fs.readFile(segment.path)
      const from = progress?.seq === segment.seq ? Math.min(progress.offset, bytes.length) : 0
      segment.size = from
      let count = 0
      for (const { record, end } of readRecords(
        bytes.subarray(from),
        from,
        maxFrame,
        damage(segment),
      )) {
        segment.size = end
        count += 1
        keys.add(record.key)
      }
      if (count === 0) {
        await fs.unlink(segment.path)
        continue
      }
      if (segment.size < bytes.length) {
        const handle = await fs.open(segment.path, 'r+')
        await handle.truncate(segment.size)
        await handle.close()
      }
      if (segments.length === 0) offset = from
      segments.push(segment)
      records += count
    }
    return Math.max(progress?.seq ?? 0, ...found.map(({ seq }) => seq)) + 1
  }

  const writer = createWriter({
    fs,
    dir,
    segmentBytes,
    groupBytes: 4 * mebibyte,
    nextSeq: await recover().catch(async (error: unknown) => {
      await unlock()
      throw new ZenhookError('ZENHOOK_INGRESS_SPOOL_BROKEN', { cause: error })
    }),
    onSegment: (segment) => segments.push(segment),
    onWritten: () => {
      for (const listener of listeners) listener()
    },
  })

  const bytesOnDisk = (): number => segments.reduce((sum, { size }) => sum + size, 0)

  /** Removes what is drained whole; the open segment too, once nobody writes to it. */
  const sweep = async (): Promise<void> => {
    for (let first = segments[0]; first !== undefined; first = segments[0]) {
      if (offset < first.size) return
      if (segments.length === 1 && !(await writer.release(first))) return
      // A write may have begun while the segment was released.
      if (offset < first.size) return
      segments = segments.filter((segment) => segment !== first)
      offset = 0
      await fs.unlink(first.path)
    }
  }

  const commit = async (batch: readonly Located[]): Promise<void> => {
    const last = batch.at(-1)
    const segment = segments[0]
    if (last === undefined || segment === undefined) return
    ahead = ahead.slice(batch.length)
    offset = last.end
    records -= batch.length
    for (const { record } of batch) keys.remove(record.key)
    await writeProgress(fs, dir, { seq: segment.seq, offset })
    await sweep()
  }

  const peek = async (
    maxRecords: number,
    maxBatchBytes: number,
  ): Promise<SpoolBatch | undefined> => {
    await sweep()
    const segment = segments[0]
    if (segment === undefined) return undefined
    if (ahead.length === 0) {
      if (offset >= segment.size) return undefined
      ahead = [...readRecords(await readFrom(segment, offset), offset, maxFrame, damage(segment))]
      if (ahead.length === 0) {
        // Nothing whole is left in this segment: what was damaged has been told.
        offset = segment.size
        return peek(maxRecords, maxBatchBytes)
      }
    }
    const batch: Located[] = []
    let size = 0
    for (const located of ahead) {
      if (batch.length >= maxRecords || (batch.length > 0 && size + located.bytes > maxBatchBytes))
        break
      batch.push(located)
      size += located.bytes
    }
    return { records: batch.map(({ record }) => record), commit: () => commit(batch) }
  }

  return {
    async write(record) {
      if (closed)
        throw new ZenhookError('ZENHOOK_INGRESS_SPOOL_BROKEN', { message: 'The spool is closed' })
      const frame = encodeFrame(record)
      if (frame.length > maxFrame || bytesOnDisk() + queued + frame.length > maxBytes)
        throw new ZenhookError('ZENHOOK_INGRESS_SPOOL_FULL', { retriable: true })
      queued += frame.length
      keys.add(record.key)
      try {
        await writer.append(frame)
        records += 1
        written += 1
      } catch (error) {
        keys.remove(record.key)
        throw error
      } finally {
        queued -= frame.length
      }
    },
    holds: keys.has,
    stats: () => ({ records, bytes: bytesOnDisk(), written }),
    peek,
    onWaiting(listener) {
      listeners.push(listener)
      if (records > 0) listener()
    },
    async close() {
      if (closed) return
      closed = true
      await writer.close()
      await unlock()
    },
  }
}
