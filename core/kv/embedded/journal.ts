import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { CellChange } from '../local/index.ts'
import { type FrameWriter, readFrames } from './frame.ts'

/** Files of frames, numbered upwards: what was promised and is not in the engine yet. */
export interface Journal {
  /** One write, in the page cache once it returns: the death of the process does not take it back. */
  append(frame: FrameWriter): void
  /** What follows goes to another segment. Gives the number of the last one up to here. */
  seal(): number
  /** Removes the segments up to and including this number. */
  discard(upTo: number): void
  close(): void
}

export interface OpenedJournal {
  journal: Journal
  /** What an earlier process left, in order. */
  found: readonly CellChange[]
}

const suffix = '.journal'
const nameOf = (segment: number): string => `${String(segment).padStart(12, '0')}${suffix}`

const writeAll = (file: number, bytes: Uint8Array, position: number): void => {
  for (let done = 0; done < bytes.byteLength; ) {
    const written = writeSync(file, bytes, done, bytes.byteLength - done, position + done)
    if (written === 0) throw new Error('the file takes no more bytes')
    done += written
  }
}

/**
 * Opens the journal of a folder. Segments up to `flushed` are in the engine: they are removed unread,
 * for what they say may be older than what the engine has.
 */
export const openJournal = (folder: string, flushed: number): OpenedJournal => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let kept = readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => Number(name.slice(0, -suffix.length)))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b)
  let last = Math.max(flushed, ...kept)
  let current: { file: number; size: number } | undefined

  const discard = (upTo: number): void => {
    for (const segment of kept)
      if (segment <= upTo) rmSync(join(folder, nameOf(segment)), { force: true })
    kept = kept.filter((segment) => segment > upTo)
  }
  const leave = (): void => {
    const left = current
    // Also where it cannot be closed in order: its number may be another file's from then on.
    current = undefined
    if (left !== undefined) closeSync(left.file)
  }
  const open = (): { file: number; size: number } => {
    const file = openSync(join(folder, nameOf(last + 1)), 'wx', 0o600)
    last += 1
    kept.push(last)
    current = { file, size: 0 }
    return current
  }

  discard(flushed)
  const found = kept.flatMap((segment) =>
    readFrames(readFileSync(join(folder, nameOf(segment))), segment),
  )

  const journal: Journal = {
    append(frame) {
      const segment = current ?? open()
      const bytes = frame.finish(last)
      try {
        writeAll(segment.file, bytes, segment.size)
      } catch (error) {
        // A part of the frame may be there: nothing may ever follow it.
        try {
          ftruncateSync(segment.file, segment.size)
        } catch {
          leave()
        }
        throw error
      }
      segment.size += bytes.byteLength
    },
    seal() {
      leave()
      return last
    },
    discard,
    close: leave,
  }
  return { journal, found }
}
