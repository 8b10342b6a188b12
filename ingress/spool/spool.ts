import { constants } from 'node:os'
import { dirname } from 'node:path'
import { messageOf, systemCodeOf, ZenhookError } from '../../core/errors/index.ts'
import { lockFolder } from '../../core/lock/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { type Logger, silentLogger } from '../../core/telemetry/index.ts'
import { encodeFrame, frameOverhead } from './frame.ts'
import { createKeyCounts } from './keys.ts'
import {
  type Damage,
  forgetProgress,
  type Located,
  listSegments,
  nodeFs,
  type Progress,
  readBytes,
  readProgress,
  readRecords,
  type Segment,
  type SpoolFs,
  syncDir,
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
  /** Bytes in memory on their way to the disk; 64 MiB by default. */
  maxQueuedBytes?: number
  /** A write that is not synced by then is refused, its outcome unknown, ms; 10,000 by default. */
  stallMs?: number
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
  /** Found damaged or torn since the spool was opened, and skipped; each was told to the log. */
  lost: { records: number; bytes: number }
}

/** Records at the head of the spool; `commit` says that they are in the log. */
export interface SpoolBatch {
  records: readonly NewRecord[]
  commit(): Promise<void>
}

/**
 * Where events wait while the log is away: an append-only folder, synced before `write` resolves, read
 * in the order of writing. Survives `kill -9` at any point: a torn end is cut off, what is damaged is
 * skipped, both are told with counts, the rest is kept. What was drained just before a crash may be
 * drained again.
 */
export interface Spool {
  /**
   * Rejects with ZENHOOK_INGRESS_SPOOL_FULL or _BROKEN (retriable). Nothing was kept then, unless
   * `details.unknown` says that the next start may find it.
   */
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

/** EBADMSG and EUCLEAN, with which a file system says that it is damaged: Node.js gives their numbers, not their names. */
const spoilt = [-constants.errno.EBADMSG, -117]

const isOfTheDisk = (error: unknown): boolean =>
  systemCodeOf(error) === 'EIO' ||
  (error instanceof Error && 'errno' in error && spoilt.includes(Number(error.errno)))

/** So often a segment is read before it is set aside as unreadable. */
const readTries = 3

export const openSpool = async (options: SpoolOptions): Promise<Spool> => {
  const {
    dir,
    maxBytes = 1024 * mebibyte,
    segmentBytes = 4 * mebibyte,
    maxRecordBytes = 16 * mebibyte,
    maxQueuedBytes = 64 * mebibyte,
    stallMs = 10_000,
    logger = silentLogger,
    fs = nodeFs,
  } = options
  const maxFrame = maxRecordBytes + frameOverhead
  await fs.mkdir(dir, { recursive: true, mode: 0o700 })
  // What is synced in a folder that is not would be gone with it.
  await syncDir(fs, dirname(dir))
  const unlock = lockFolder(dir, { code: 'ZENHOOK_INGRESS_SPOOL_LOCKED', what: 'the spool folder' })

  const keys = createKeyCounts()
  const listeners: (() => void)[] = []
  let segments: Segment[] = []
  let records = 0
  let bytes = 0
  let written = 0
  let queuedRecords = 0
  let queued = 0
  const lost = { records: 0, bytes: 0 }
  let closed = false
  /** Where reading goes on, in the first segment. */
  let offset = 0
  /** What was read of the first segment and not committed yet. */
  let ahead: Located[] = []
  let failedReads = 0
  let progressFails = false
  /** Keys of records that were lost after they had been counted: nobody knows which. */
  let strayKeys = false

  const damaged =
    (segment: Segment) =>
    ({ kind, ...damage }: Damage): void => {
      if (segment.told.has(damage.offset)) return
      segment.told.add(damage.offset)
      lost.records += damage.records
      lost.bytes += damage.bytes
      logger.error(
        { segment: segment.path, ...damage },
        kind === 'torn'
          ? 'the end of a spool segment is torn, as a write leaves it that was cut short: skipped'
          : 'a stretch of the spool is damaged: its records are lost',
      )
    }

  /**
   * Takes a segment out of the way that the disk does not give back; an operator may still save it. At the
   * start nobody knows how many records it holds: it counts as one.
   */
  const setAside = async (segment: Segment, left: number, error: unknown): Promise<void> => {
    const kept = `${segment.path}.unreadable`
    await fs.rename(segment.path, kept)
    const gone = { records: Math.max(1, segment.records), bytes: Math.max(0, left) }
    lost.records += gone.records
    lost.bytes += gone.bytes
    logger.error(
      { segment: kept, ...gone, error: messageOf(error) },
      'a spool segment cannot be read: it is set aside, with what it holds',
    )
  }

  const recoverSegment = async (segment: Segment, from: number): Promise<boolean> => {
    let found: Buffer
    try {
      found = await fs.readFile(segment.path)
    } catch (error) {
      if (!isOfTheDisk(error)) throw error
      const { size } = await fs.stat(segment.path).catch(() => ({ size: 0 }))
      await setAside(segment, size - from, error)
      return false
    }
    segment.size = Math.min(from, found.length)
    const rest = found.subarray(segment.size)
    for (const { record, end } of readRecords(
      rest,
      segment.size,
      maxFrame,
      segment.framing,
      damaged(segment),
    )) {
      segment.size = end
      segment.records += 1
      keys.add(record.key)
    }
    if (segment.records === 0) {
      await fs.unlink(segment.path)
      return false
    }
    if (segment.size < found.length) {
      const handle = await fs.open(segment.path, 'r+')
      await handle.truncate(segment.size)
      await handle.close()
    }
    return true
  }

  /**
   * What cannot be read now may be read by the next start, and would hide what is written meanwhile, for
   * numbers begin anew without it: so it goes, and some records are drained twice.
   */
  const knownProgress = async (): Promise<Progress | undefined> => {
    try {
      return await readProgress(fs, dir)
    } catch (error) {
      await forgetProgress(fs, dir)
      logger.warn({ error: messageOf(error) }, 'how far the spool is drained cannot be read')
      return undefined
    }
  }

  const recover = async (): Promise<number> => {
    const found = await listSegments(fs, dir)
    const progress = await knownProgress()
    for (const segment of found) {
      if (progress !== undefined && segment.seq < progress.seq) {
        await fs.unlink(segment.path)
        continue
      }
      const from = progress?.seq === segment.seq ? progress.offset : 0
      if (!(await recoverSegment(segment, from))) continue
      if (segments.length === 0) offset = from
      segments.push(segment)
      records += segment.records
      bytes += segment.size
    }
    return Math.max(progress?.seq ?? 0, ...found.map(({ seq }) => seq)) + 1
  }

  const writer = createWriter({
    fs,
    dir,
    segmentBytes,
    groupBytes: 4 * mebibyte,
    stallMs,
    nextSeq: await recover().catch(async (error: unknown) => {
      unlock()
      throw new ZenhookError('ZENHOOK_INGRESS_SPOOL_BROKEN', { cause: error })
    }),
    onSegment: (segment) => segments.push(segment),
    onEmpty: (segment) => {
      segments = segments.filter((each) => each !== segment)
    },
    onWritten: () => {
      for (const listener of listeners) listener()
    },
  })

  /** Forgets the first segment. What of it nobody was given was damaged after it had been counted. */
  const drop = (first: Segment): void => {
    segments = segments.filter((segment) => segment !== first)
    bytes -= first.size
    records -= first.records
    strayKeys ||= first.records > 0
    offset = 0
    ahead = []
    failedReads = 0
    if (!strayKeys || segments.length > 0 || queuedRecords > 0) return
    // With nothing left, none is held.
    keys.clear()
    strayKeys = false
  }

  /** Removes what is drained whole; the open segment too, once nobody writes to it. */
  const sweep = async (): Promise<void> => {
    for (let first = segments[0]; first !== undefined; first = segments[0]) {
      if (offset < first.size) return
      if (segments.length === 1 && !(await writer.release(first))) return
      // A write may have begun while the segment was released.
      if (offset < first.size) return
      drop(first)
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
    segment.records -= batch.length
    for (const { record } of batch) keys.remove(record.key)
    try {
      await writeProgress(fs, dir, { seq: segment.seq, offset })
      progressFails = false
    } catch (error) {
      // On a full disk draining is what makes room: it must not wait for it.
      if (!progressFails)
        logger.warn({ error: messageOf(error) }, 'how far the spool is drained cannot be written')
      progressFails = true
    }
    await sweep()
  }

  const readAhead = async (segment: Segment): Promise<void> => {
    // What is written while we read was not looked at.
    const end = segment.size
    let found: Buffer
    try {
      found = await readBytes(fs, segment.path, offset, end)
    } catch (error) {
      failedReads += 1
      if (!isOfTheDisk(error) || failedReads < readTries || !(await writer.release(segment)))
        throw error
      await setAside(segment, segment.size - offset, error)
      drop(segment)
      return
    }
    failedReads = 0
    ahead = [...readRecords(found, offset, maxFrame, segment.framing, damaged(segment))]
    // Nothing whole is left in this segment: what was damaged has been told.
    if (ahead.length === 0) offset = end
  }

  const peek = async (
    maxRecords: number,
    maxBatchBytes: number,
  ): Promise<SpoolBatch | undefined> => {
    while (ahead.length === 0) {
      await sweep()
      const segment = segments[0]
      if (segment === undefined || offset >= segment.size) return undefined
      await readAhead(segment)
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

  const refuse = (frame: Buffer): ZenhookError | undefined => {
    if (closed)
      return new ZenhookError('ZENHOOK_INGRESS_SPOOL_BROKEN', { message: 'The spool is closed' })
    if (frame.length > maxFrame || bytes + queued + frame.length > maxBytes)
      return new ZenhookError('ZENHOOK_INGRESS_SPOOL_FULL', { retriable: true })
    if (queued > 0 && queued + frame.length > maxQueuedBytes)
      return new ZenhookError('ZENHOOK_INGRESS_SPOOL_BROKEN', {
        message: 'The disk of the spool does not keep up',
        retriable: true,
      })
    return undefined
  }

  return {
    write: (record) =>
      new Promise((resolve, reject) => {
        const frame = encodeFrame(record)
        const refused = refuse(frame)
        if (refused !== undefined) return reject(refused)
        queued += frame.length
        queuedRecords += 1
        keys.add(record.key)
        const leaves = (): void => {
          queued -= frame.length
          queuedRecords -= 1
        }
        writer.append({
          frame,
          kept() {
            leaves()
            bytes += frame.length
            records += 1
            written += 1
            resolve()
          },
          refused(error) {
            leaves()
            keys.remove(record.key)
            reject(error)
          },
          late: reject,
        })
      }),
    holds: keys.has,
    stats: () => ({ records, bytes, written, lost: { ...lost } }),
    peek,
    onWaiting(listener) {
      listeners.push(listener)
      if (records > 0) listener()
    },
    async close() {
      if (closed) return
      closed = true
      await writer.close()
      unlock()
    },
  }
}
