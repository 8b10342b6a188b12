import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type Operation, type Storage, storageError } from '../../storage/index.ts'
import type { Cell, CellChange, CellStore, Kind } from '../local/index.ts'
import { codes, createFrameWriter } from './frame.ts'
import { openJournal } from './journal.ts'
import { createCellTable } from './table.ts'

/** What one step of a flush or of the sweep takes: it bounds how long the event loop is held. */
const flushStep = 200
const sweepStep = 200
/** A slot's cost in memory besides its text, roughly. */
const slotBytes = 200
/** A flush that failed is tried again after this, ms. */
const retryMs = 1_000

export interface EmbeddedCellsOptions {
  storage: Storage
  now: () => number
  /** How long a change stays out of the engine at most, ms, while it keeps up. */
  flushEveryMs: number
  /** So much unflushed is flushed at once, bytes. */
  flushBytes: number
  /** With so much unflushed, operations wait, bytes. */
  maxBytes: number
  sweepEveryMs: number
}

interface Slot extends CellChange {
  /** The group that it came with, which may still fail. */
  group: Group
}

/** What is asked for until the present callback of the event loop ends: one write to the journal. */
interface Group {
  bytes: number
  undo: (readonly [name: string, before: Slot | undefined])[]
  written: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

const createGroup = (): Group => {
  let resolve = (): void => undefined
  let reject = (_: unknown): void => undefined
  const written = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  written.catch(() => undefined)
  return { bytes: 0, undo: [], written, resolve, reject }
}

/**
 * Cells in memory and in a journal first, in the engine soon. The newest changes overlay the engine's
 * tables; a change resolves once it is in the journal. In the background all that gathered becomes one
 * transaction, and once that is synced, memory and journal let go of it.
 */
export const createEmbeddedCells = (options: EmbeddedCellsOptions): CellStore => {
  const { storage, now, flushEveryMs, flushBytes, maxBytes, sweepEveryMs } = options
  const table = createCellTable(storage)
  const { journal, found } = openJournal(join(storage.dir, 'state'), table.flushed())
  const frame = createFrameWriter()
  let active = new Map<string, Slot>()
  let activeBytes = 0
  /** On its way into the engine; stays the truth beneath `active` until it is there. */
  let flushing: { slots: ReadonlyMap<string, Slot>; upTo: number } | undefined
  let group: Group | undefined
  let journalFailed = false
  let flushFailure: Error | undefined
  let running: Promise<void> | undefined
  let waking: NodeJS.Timeout | undefined
  let sweepDue = false
  let closed = false

  const nameOf = (kind: Kind, key: string): string => `${codes[kind]}${key}`
  const slotOf = (name: string): Slot | undefined => active.get(name) ?? flushing?.slots.get(name)

  const append = (): void => {
    try {
      // Beneath a closed engine another may have been opened, with a journal of its own.
      if (storage.closed) throw new Error('the storage is closed')
      journal.append(frame)
      journalFailed = false
    } catch (error) {
      journalFailed = true
      throw storageError(storage.dir, error)
    } finally {
      frame.clear()
    }
  }
  const writeGroup = (): void => {
    const mine = group
    if (mine === undefined) return
    group = undefined
    try {
      append()
      mine.resolve()
    } catch (error) {
      // As if it had never been: nobody may rest on what a crash would take back.
      for (const [name, before] of mine.undo.reverse())
        if (before === undefined) active.delete(name)
        else active.set(name, before)
      activeBytes -= mine.bytes
      mine.reject(error)
    }
    mine.undo = []
    if (activeBytes >= flushBytes && flushFailure === undefined) void run()
    else wake(flushEveryMs)
  }
  const place = (change: CellChange, mine: Group): void => {
    const name = nameOf(change.kind, change.key)
    mine.undo.push([name, active.get(name)])
    active.set(name, { ...change, group: mine })
    const bytes = slotBytes + change.key.length + (change.cell?.text.length ?? 0)
    mine.bytes += bytes
    activeBytes += bytes
  }

  const flush = async (): Promise<void> => {
    writeGroup()
    if (flushing === undefined) {
      if (active.size === 0) return
      flushing = { slots: active, upTo: journal.seal() }
      active = new Map()
      activeBytes = 0
    }
    const { slots, upTo } = flushing
    const synced: Promise<void>[] = []
    let operations: Operation[] = []
    let taken = 0
    for (const slot of slots.values()) {
      for (const operation of table.operationsOf(slot, now())) operations.push(operation)
      taken += 1
      if (taken % flushStep > 0) continue
      synced.push(storage.write(operations).synced)
      operations = []
      await turn()
    }
    // One that fails does not keep the next from coming about: only then may the mark be set.
    await Promise.all(synced)
    operations.push(table.markFlushed(upTo))
    await storage.write(operations).synced
    flushing = undefined
    journal.discard(upTo)
  }
  const sweep = async (): Promise<void> => {
    sweepDue = false
    for (let more = true; more && !closed; ) {
      const step = table.expired(now(), sweepStep)
      if (step.operations.length > 0) await storage.write(step.operations).synced
      more = step.more
    }
  }
  /** Flushes and sweeps, one at a time: what one reads from the engine, the other has not under way. */
  const work = async (): Promise<void> => {
    try {
      await flush()
      if (sweepDue) await sweep()
      flushFailure = undefined
    } catch (error) {
      flushFailure = storageError(storage.dir, error)
    }
    running = undefined
    if (flushFailure !== undefined) wake(retryMs)
    else if (active.size > 0) wake(flushEveryMs)
  }
  const run = (): Promise<void> => {
    clearTimeout(waking)
    waking = undefined
    running ??= Promise.resolve().then(work)
    return running
  }
  const wake = (ms: number): void => {
    if (closed || waking !== undefined || running !== undefined) return
    waking = setTimeout(() => void run(), ms)
    waking.unref()
  }

  const recovered = createGroup()
  for (const change of found) place(change, recovered)
  recovered.undo = []
  if (active.size > 0) wake(0)
  const ticking = setInterval(() => {
    sweepDue = true
    // Else the next flush, which is soon, takes the sweep along.
    if (active.size === 0 && flushFailure === undefined) void run()
  }, sweepEveryMs)
  ticking.unref()

  return {
    get(kind, key): Cell | undefined {
      const slot = slotOf(nameOf(kind, key))
      return slot === undefined ? table.get(kind, key) : slot.cell
    },
    put(changes) {
      if (changes.length === 0) return undefined
      if (group === undefined) {
        group = createGroup()
        // After all that this callback of the event loop leads to, but before the next.
        process.nextTick(writeGroup)
      }
      for (const change of changes) {
        frame.add(change)
        place(change, group)
      }
      return group.written
    },
    lasting(kind, keys) {
      if (group === undefined) return undefined
      const open = group
      return keys.some((key) => active.get(nameOf(kind, key))?.group === open)
        ? open.written
        : undefined
    },
    room() {
      if (activeBytes < maxBytes) return undefined
      if (flushFailure !== undefined) throw flushFailure
      return run()
    },
    async ping() {
      await storage.ping()
      if (journalFailed) {
        writeGroup()
        append()
      }
    },
    async close() {
      closed = true
      clearInterval(ticking)
      clearTimeout(waking)
      writeGroup()
      await running
      // What does not reach the engine now stays in the journal for the next opening.
      await run()
      journal.close()
    },
  }
}
