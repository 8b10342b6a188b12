import { randomBytes } from 'node:crypto'
import * as fsPromises from 'node:fs/promises'
import { join } from 'node:path'
import { systemCodeOf } from '../../core/errors/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { type Framing, firstFraming, markBytes, nextMark, readFrame } from './frame.ts'

/** What the spool uses of `node:fs/promises`; tests give one that fails. */
export type SpoolFs = Pick<
  typeof fsPromises,
  'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink' | 'writeFile'
>
export const nodeFs: SpoolFs = fsPromises

export interface Segment {
  seq: number
  path: string
  framing: Framing
  /** Bytes that are written and synced, always the end of a frame. */
  size: number
  /** Whole records in these bytes that nobody was given yet. */
  records: number
  /** Where damage begins that was counted: the start reads it, and draining reads it again. */
  told: Set<number>
}

const pattern = /^(\d{12})(?:-([0-9a-f]{16}))?\.seg$/

export const newSegment = (dir: string, seq: number): Segment => {
  const mark = randomBytes(markBytes)
  const name = `${String(seq).padStart(12, '0')}-${mark.toString('hex')}.seg`
  return {
    seq,
    path: join(dir, name),
    framing: { mark, lengthCovered: true },
    size: 0,
    records: 0,
    told: new Set(),
  }
}

const segmentOf = (dir: string, name: string): Segment | undefined => {
  const [, seq, mark] = pattern.exec(name) ?? []
  if (seq === undefined) return undefined
  const framing =
    mark === undefined ? firstFraming : { mark: Buffer.from(mark, 'hex'), lengthCovered: true }
  const path = join(dir, name)
  return { seq: Number(seq), path, framing, size: 0, records: 0, told: new Set() }
}

/** In the order of writing. */
export const listSegments = async (fs: SpoolFs, dir: string): Promise<Segment[]> =>
  (await fs.readdir(dir))
    .sort()
    .map((name) => segmentOf(dir, name))
    .filter((segment) => segment !== undefined)

/** A new file survives a crash only once its folder is synced too. */
export const syncDir = async (fs: SpoolFs, dir: string): Promise<void> => {
  const handle = await fs.open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export const readBytes = async (
  fs: SpoolFs,
  path: string,
  from: number,
  to: number,
): Promise<Buffer> => {
  const handle = await fs.open(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(to - from)
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

export interface Located {
  record: NewRecord
  /** Offset after this record. */
  end: number
  bytes: number
}

export interface Damage {
  offset: number
  bytes: number
  /** Frames that began there, at least one. */
  records: number
  /** `torn`: the bytes end within a frame, as a write that was cut short leaves them. */
  kind: 'torn' | 'damaged'
}

/** The records of a stretch of a segment, in order; what is damaged is told, and skipped up to the next frame. */
export function* readRecords(
  bytes: Buffer,
  base: number,
  maxFrame: number,
  framing: Framing,
  onDamage: (damage: Damage) => void,
): Generator<Located> {
  let at = 0
  let from = -1
  let records = 0
  let kind: Damage['kind'] = 'damaged'
  const tell = (): void => {
    if (from >= 0) onDamage({ offset: base + from, bytes: at - from, records, kind })
    from = -1
  }
  while (at < bytes.length) {
    const scanned = readFrame(bytes, at, maxFrame, framing)
    if (scanned.kind === 'record') {
      tell()
      yield { record: scanned.record, end: base + scanned.end, bytes: scanned.end - at }
      at = scanned.end
      continue
    }
    if (from < 0) {
      from = at
      records = 0
    }
    const next = nextMark(bytes, at + 1, framing)
    kind = scanned.kind === 'partial' && next === bytes.length ? 'torn' : 'damaged'
    records += 1
    at = next
  }
  tell()
}

/** Up to where the spool is drained. */
export interface Progress {
  seq: number
  offset: number
}

const progressPath = (dir: string): string => join(dir, 'progress.json')

/** None where there is no file, or where it cannot be understood; rejects where it is not given back. */
export const readProgress = async (fs: SpoolFs, dir: string): Promise<Progress | undefined> => {
  let text: string
  try {
    text = await fs.readFile(progressPath(dir), 'utf8')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const found: unknown = JSON.parse(text)
    if (typeof found !== 'object' || found === null) return undefined
    const { seq, offset } = found as Partial<Progress>
    return Number.isSafeInteger(seq) && Number.isSafeInteger(offset)
      ? { seq: Number(seq), offset: Number(offset) }
      : undefined
  } catch {
    return undefined
  }
}

/** Lasts once the folder is synced, which it is before the next segment takes anything. */
export const forgetProgress = (fs: SpoolFs, dir: string): Promise<void> =>
  fs.unlink(progressPath(dir))

/** Not synced: what is forgotten by that is drained twice, and dropped by dedupe. */
export const writeProgress = async (
  fs: SpoolFs,
  dir: string,
  progress: Progress,
): Promise<void> => {
  const temporary = `${progressPath(dir)}.new`
  await fs.writeFile(temporary, JSON.stringify(progress))
  await fs.rename(temporary, progressPath(dir))
}
