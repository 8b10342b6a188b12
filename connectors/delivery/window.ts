import type { Position } from '../../core/event/index.ts'
import type { Batch, NewRecord, StoredRecord } from '../../core/log/port.ts'
import { untilTick } from '../../core/log/tick.ts'

/**
 * What is under way of one partition: a bounded number of records at once, finished in any order.
 * Outputs go to the log as soon as they are there; progress follows the lowest unfinished record.
 */
export interface Window {
  /** Starts the batch's records as room allows; resolves when all have started, or the batch is moot. */
  take(batch: Batch): Promise<void>
  /** Resolves when nothing is under way and everything finished is settled, or cannot be. */
  idle(): Promise<void>
  size(): number
}

export interface WindowOptions {
  /** Records under way at once. */
  limit: number
  /** Records from the lowest unfinished on that may be started: bounds what one slow record holds up. */
  span: number
  /** Resolves with the record's outputs, or `undefined` when it must stay unfinished (cancelled). */
  handle(record: StoredRecord, signal: AbortSignal): Promise<readonly NewRecord[] | undefined>
  append(records: readonly NewRecord[]): Promise<unknown>
  /** Ticks at which outputs go to the log together, ms apart: the same for every partition. */
  lingerMs: number
  onError(error: unknown): void
  closing(): boolean
}

interface Entry {
  offset: number
  done: boolean
}

const pauseMs = 200
const lingerStepMs = 10
/** So many outputs wait for no others. */
const lingerOutputs = 200

export const createWindow = (options: WindowOptions): Window => {
  // Ascending offsets: every record taken and not yet settled.
  const entries: Entry[] = []
  const known = new Set<number>()
  let running = 0
  let outputs: NewRecord[] = []
  let latest: Batch | undefined
  let flushing: Promise<void> | undefined
  let waiters: (() => void)[] = []

  const wake = (): void => {
    const waking = waiters
    waiters = []
    for (const resolve of waking) resolve()
  }
  const change = (): Promise<void> => new Promise((resolve) => waiters.push(resolve))

  /** Lowest finished run: what progress may pass. */
  const finishedPrefix = (): number => {
    let count = 0
    while (entries[count]?.done) count += 1
    return count
  }

  const flushOnce = async (): Promise<void> => {
    const batch = latest
    if (batch === undefined) return
    const count = finishedPrefix()
    const taken = outputs
    const last = entries[count - 1]
    outputs = []
    try {
      if (last === undefined) await options.append(taken)
      else {
        const through: Position = {
          topic: batch.topic,
          partition: batch.partition,
          offset: last.offset,
        }
        await batch.settle(through, taken)
      }
    } catch (error) {
      outputs = [...taken, ...outputs]
      throw error
    }
    for (const { offset } of entries.splice(0, count)) known.delete(offset)
  }

  const pending = (): boolean => outputs.length > 0 || entries[0]?.done === true

  /** Until more has gathered, or somebody needs the room that a settle makes. */
  const linger = async (): Promise<void> => {
    const start = untilTick(options.lingerMs)
    const until = Date.now() + start
    for (let left = start; left > 0; left = until - Date.now()) {
      if (outputs.length >= lingerOutputs || entries.length >= options.span) return
      if (options.closing() || latest?.signal.aborted !== false) return
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, lingerStepMs)))
    }
  }

  const flush = (): void => {
    if (flushing !== undefined) return
    flushing = (async () => {
      while (pending()) {
        if (latest === undefined || latest.signal.aborted) {
          // The partition has moved: its next owner finds the endings and writes their outputs.
          forget()
          break
        }
        try {
          await linger()
          await flushOnce()
        } catch (error) {
          if (latest.signal.aborted) continue
          options.onError(error)
          await new Promise((resolve) => setTimeout(resolve, pauseMs))
        }
        wake()
      }
    })().finally(() => {
      flushing = undefined
      wake()
    })
  }

  const start = (record: StoredRecord, signal: AbortSignal): void => {
    const entry = { offset: record.offset, done: false }
    entries.push(entry)
    known.add(record.offset)
    running += 1
    options
      .handle(record, signal)
      .catch((error: unknown) => {
        options.onError(error)
        return undefined
      })
      .then((made) => {
        running -= 1
        if (made !== undefined) {
          entry.done = true
          for (const output of made) outputs.push(output)
          flush()
        }
        wake()
      })
  }

  const forget = (): void => {
    entries.length = 0
    known.clear()
    outputs = []
  }

  const full = (): boolean => running >= options.limit || entries.length >= options.span

  return {
    async take(batch) {
      // A partition that went and came back starts anew: what was under way ends without us.
      if (latest?.signal.aborted && !batch.signal.aborted) forget()
      latest = batch
      batch.signal.addEventListener('abort', wake)
      try {
        for (const record of batch.records) {
          if (known.has(record.offset)) continue
          while (!batch.signal.aborted && (full() || options.closing())) await change()
          if (batch.signal.aborted) return
          start(record, batch.signal)
        }
      } finally {
        batch.signal.removeEventListener('abort', wake)
      }
    },
    async idle() {
      while (running > 0 || flushing !== undefined) await change()
    },
    size: () => entries.length,
  }
}
