import * as fsPromises from 'node:fs/promises'
import { join } from 'node:path'
import type { NewRecord } from '../../core/log/port.ts'
import { nextMagic, readFrame } from './frame.ts'

/** What the spool uses of `node:fs/promises`; tests give one that fails. */
export type SpoolFs = Pick<
  typeof fsPromises,
  'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'unlink' | 'writeFile'
>
export const nodeFs: SpoolFs = fsPromises

export interface Segment {
  seq: number
  path: string
  /** Bytes that are written and synced, always the end of a frame. */
  size: number
}

const suffix = '.seg'
export const segmentPath = (dir: string, seq: number): string =>
  join(dir, `${String(seq).padStart(12, '0')}${suffix}`)

export const listSegments = async (fs: SpoolFs, dir: string): Promise<Segment[]> =>
  (await fs.readdir(dir))
    .filter((name) => /^\d{12}\.seg$/.test(name))
    .sort()
    .map((name) => ({ seq: Number(name.slice(0, -suffix.length)), path: join(dir, name), size: 0 }))

/** A new file survives a crash only once its folder is synced too. */
export const syncDir = async (fs: SpoolFs, dir: string): Promise<void> => {
  const handle = await fs.open(dir, 'r')
  try {
    await handle.sync()
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

/**
 * The records of a stretch of a segment, in order. What is damaged is skipped up to the next whole
 * frame, and told to `onDamage` (bytes lost, and whether it was the end of the stretch).
 */
export function* readRecords(
  bytes: Buffer,
  base: number,
  maxFrame: number,
  onDamage: (damage: { offset: number; bytes: number; tail: boolean }) => void,
): Generator<Located> {
  let at = 0
  let damagedFrom = -1
  while (at < bytes.length) {
    const scanned = readFrame(bytes, at, maxFrame)
    if (scanned.kind !== 'record') {
      if (damagedFrom < 0) damagedFrom = at
      at = nextMagic(bytes, at + 1)
      continue
    }
    if (damagedFrom >= 0) {
      onDamage({ offset: base + damagedFrom, bytes: at - damagedFrom, tail: false })
      damagedFrom = -1
    }
    yield { record: scanned.record, end: base + scanned.end, bytes: scanned.end - at }
    at = scanned.end
  }
  if (damagedFrom >= 0)
    onDamage({ offset: base + damagedFrom, bytes: bytes.length - damagedFrom, tail: true })
}

/** How far the spool was drained: what lies before is in the log. Losing it costs second copies only. */
export interface Progress {
  seq: number
  offset: number
}

const progressPath = (dir: string): string => join(dir, 'progress.json')

export const readProgress = async (fs: SpoolFs, dir: string): Promise<Progress | undefined> => {
  try {
    const found: unknown = JSON.parse(await fs.readFile(progressPath(dir), 'utf8'))
    if (typeof found !== 'object' || found === null) return undefined
    const { seq, offset } = found as Partial<Progress>
    return Number.isSafeInteger(seq) && Number.isSafeInteger(offset)
      ? { seq: Number(seq), offset: Number(offset) }
      : undefined
  } catch {
    return undefined
  }
}

export const writeProgress = async (
  fs: SpoolFs,
  dir: string,
  progress: Progress,
): Promise<void> => {
  const temporary = `${progressPath(dir)}.new`
  await fs.writeFile(temporary, JSON.stringify(progress))
  await fs.rename(temporary, progressPath(dir))
}
