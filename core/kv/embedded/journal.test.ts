import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CellChange } from '../local/index.ts'
import { createFrameWriter, readFrames } from './frame.ts'
import { type Journal, openJournal } from './journal.ts'

const value = (key: string, text: string): CellChange => ({
  kind: 'value',
  key,
  cell: { text, until: 1_700_000_000_000.5 },
})

describe('journal of the state', () => {
  let dir: string
  let open: Journal[] = []
  const opened = (flushed = 0) => {
    const { journal, found } = openJournal(dir, flushed)
    open.push(journal)
    return { journal, found }
  }
  const append = (journal: Journal, ...changes: CellChange[]): void => {
    const frame = createFrameWriter()
    for (const change of changes) frame.add(change)
    journal.append(frame)
  }
  const files = (): string[] => readdirSync(dir).sort()
  const fileAt = (index: number): string => join(dir, files()[index] ?? 'none')

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'zenhook-journal-'))
  })
  afterEach(() => {
    for (const journal of open) journal.close()
    open = []
    rmSync(dir, { recursive: true, force: true })
  })

  it('gives back what was appended, in order, over several segments', () => {
    const changes: CellChange[] = [
      value('ü·ß', 'drei\u0000\n"€"'),
      { kind: 'claim', key: 'c', cell: { text: '', until: 0 } },
      { kind: 'counter', key: '', cell: undefined },
      value('large', 'v'.repeat(3_000_000)),
      value('after', 'the writer shrank'),
    ]
    const { journal, found } = opened()
    expect(found).toEqual([])
    append(journal, ...changes.slice(0, 3))
    append(journal)
    expect(journal.seal()).toBe(1)
    for (const change of changes.slice(3)) append(journal, change)
    expect(files()).toHaveLength(2)
    expect(opened().found).toEqual(changes)
  })

  it('one writer serves many frames', () => {
    const frame = createFrameWriter()
    const frames = ['a', 'b'.repeat(100_000), 'c'].map((text) => {
      frame.add(value('k', text))
      const bytes = Buffer.from(frame.finish(7))
      frame.clear()
      return bytes
    })
    expect(readFrames(Buffer.concat(frames), 7).map(({ cell }) => cell?.text.length)).toEqual([
      1, 100_000, 1,
    ])
  })

  it('cuts a torn tail wherever it is torn, and loses no whole frame', () => {
    const { journal } = opened()
    append(journal, value('a', '1'), value('b', '2'))
    const whole = readFileSync(fileAt(0)).byteLength
    append(journal, value('c', '3'), value('d', '4'))
    const bytes = readFileSync(fileAt(0))
    for (let end = bytes.byteLength - 1; end >= whole; end -= 1) {
      truncateSync(fileAt(0), end)
      expect(opened().found).toEqual([value('a', '1'), value('b', '2')])
    }
    for (let end = whole - 1; end >= 0; end -= 1) {
      truncateSync(fileAt(0), end)
      expect(opened().found).toEqual([])
    }
  })

  it('takes nothing from a frame with a changed byte, nor what follows it', () => {
    const { journal } = opened()
    append(journal, value('a', '1'))
    const first = readFileSync(fileAt(0)).byteLength
    append(journal, value('b', '2'))
    append(journal, value('c', '3'))
    const bytes = readFileSync(fileAt(0))
    for (const at of [first, first + 5, first + 8, first + 27]) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      writeFileSync(fileAt(0), changed)
      expect(opened().found).toEqual([value('a', '1')])
    }
  })

  it('writes nothing to a file that got the number of a segment which could not be closed', () => {
    const { journal } = opened()
    // The system gives the lowest number that is free.
    const free = openSync(dir, 'r')
    closeSync(free)
    append(journal, value('a', '1'))
    closeSync(free)
    expect(() => journal.seal()).toThrow('EBADF')
    const other = openSync(join(dir, 'other'), 'w')
    expect(other).toBe(free)
    append(journal, value('b', '2'))
    journal.close()
    closeSync(other)
    expect(readFileSync(join(dir, 'other')).byteLength).toBe(0)
    expect(opened().found).toEqual([value('a', '1'), value('b', '2')])
  })

  it('takes no frame of another segment', () => {
    const { journal } = opened()
    append(journal, value('a', '1'))
    const foreign = readFileSync(fileAt(0))
    journal.seal()
    append(journal, value('b', '2'))
    appendFileSync(fileAt(1), foreign)
    expect(opened().found).toEqual([value('a', '1'), value('b', '2')])
  })

  it('removes unread what the engine has, and never gives a number twice', () => {
    const { journal } = opened()
    append(journal, value('a', 'old'))
    journal.seal()
    append(journal, value('a', 'new'))
    const { journal: next, found } = opened(1)
    expect(found).toEqual([value('a', 'new')])
    expect(files()).toHaveLength(1)
    append(next, value('b', '3'))
    expect(next.seal()).toBe(3)
    next.discard(3)
    expect(files()).toEqual([])
    const { journal: last } = opened(3)
    append(last, value('c', '4'))
    expect(last.seal()).toBe(4)
  })
})
