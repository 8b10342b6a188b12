import { hasCode } from '../../core/errors/index.ts'
import type { Position } from '../../core/event/index.ts'
import type { Batch, NewRecord, StoredRecord } from '../../core/log/port.ts'
import { untilTick } from '../../core/log/tick.ts'
import { createFair, type KeyTurn, type Owner, type Started } from './fair.ts'

/**
 * What is under way of one partition: a bounded number of records at once, finished in any order, and
 * started by turns of their tenants and destinations. Outputs go to the log as soon as they are there; progress follows the
 * lowest unfinished record.
 */
export interface Window {
  /** Takes the batch's records in; resolves when few enough wait for a place, or the batch is moot. */
  take(batch: Batch): Promise<void>
  /** Resolves when nothing is under way and everything finished is settled, or cannot be. */
  idle(): Promise<void>
  size(): number
}

export interface WindowOptions<T = undefined> {
  /** Records under way at once, and a quarter more for those that a flood of others would shut out. */
  limit: number
  /** Records from the lowest unfinished on that may be taken in: bounds what one slow record holds up. */
  span: number
  /** Records that may wait for a place while more is fetched: how far a flood is looked past. None by default. */
  ahead?: number
  /** Records that may wait behind one of their own key: of one key, and of one line. */
  behind?: { key: number; line: number }
  /** Share of a tenant in the places; 1 by default. */
  weightOf?: (tenant: string) => number
  /** Whose a record is, and what was learned by the way: `handle` gets it. */
  open(record: StoredRecord): Owner & { opened: T }
  /** Of two of one key that wait the lower goes first. */
  rankOf(record: StoredRecord): number
  /** Records of a line will not be attempted now: they may be handled without a place. */
  isStuck?(line: string): boolean
  /**
   * Resolves with the record's outputs, with `undefined` when it must stay unfinished (cancelled), or with `wait`
   * when it is crowded and can go nowhere else: nothing more is taken in until there is room for it.
   */
  handle(
    record: StoredRecord,
    signal: AbortSignal,
    opened: T,
    /** Too many of its key wait here for others of it. */
    crowded: boolean,
  ): Promise<readonly NewRecord[] | 'wait' | undefined>
  append(records: readonly NewRecord[]): Promise<unknown>
  /** What is written instead of an output that its topic does not take; `undefined` where there is nothing smaller. */
  smaller?(output: NewRecord): Promise<readonly NewRecord[] | undefined>
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
/** Bytes that may wait for a place while more is fetched. */
const aheadBytes = 4 * 1024 * 1024

/** Bytes of records that wait, are at work or became outputs that wait to be written: with more nothing is taken in. */
const heldBytes = 8 * 1024 * 1024

/** How often a crowded window looks whether what crowds it is stuck. */
const relieveMs = 200

interface Waiting<T> {
  owner: Owner
  turn: KeyTurn | undefined
  record: StoredRecord
  opened: T
  entry: Entry
  signal: AbortSignal
}

const isTooLarge = (error: unknown): boolean => hasCode(error, 'ZENHOOK_LOG_RECORD_TOO_LARGE')

const sizeOf = ({ value }: Pick<StoredRecord, 'value'>): number => value?.byteLength ?? 0

export const createWindow = <T>(options: WindowOptions<T>): Window => {
  // Ascending offsets: every record taken and not yet settled.
  const entries: Entry[] = []
  const known = new Set<number>()
  const fair = createFair<Waiting<T>>({
    places: options.limit,
    reserve: Math.floor(options.limit / 4),
    weightOf: options.weightOf ?? (() => 1),
    ...(options.behind !== undefined && { behind: options.behind }),
  })
  let waitingBytes = 0
  let runningBytes = 0
  let outputBytes = 0
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

  const full = (): boolean =>
    entries.length >= options.span || waitingBytes + runningBytes + outputBytes > heldBytes

  /** Lowest finished run: what progress may pass. */
  const finishedPrefix = (): number => {
    let count = 0
    while (entries[count]?.done) count += 1
    return count
  }

  const writeAlone = async (output: NewRecord): Promise<void> => {
    try {
      await options.append([output])
    } catch (error) {
      const smaller = isTooLarge(error) ? await options.smaller?.(output) : undefined
      if (smaller === undefined) throw error
      options.onError(error)
      await options.append(smaller)
    }
  }

  /** One by one, so that one that is too large holds up no other; takes out what is in the log. */
  const writeEach = async (left: Set<NewRecord>): Promise<void> => {
    let stuck: unknown
    for (const output of left) {
      try {
        await writeAlone(output)
        left.delete(output)
      } catch (error) {
        if (!isTooLarge(error)) throw error
        stuck = error
      }
    }
    if (stuck !== undefined) throw stuck
  }

  const flushOnce = async (): Promise<void> => {
    const batch = latest
    if (batch === undefined) return
    const count = finishedPrefix()
    const taken = outputs
    const last = entries[count - 1]
    const write = async (records: readonly NewRecord[]): Promise<unknown> => {
      if (last === undefined) return records.length > 0 && options.append(records)
      const { topic, partition } = batch
      const through: Position = { topic, partition, offset: last.offset }
      return batch.settle(through, records)
    }
    outputs = []
    outputBytes = 0
    let left: Iterable<NewRecord> = taken
    try {
      await write(taken).catch(async (error: unknown) => {
        if (!isTooLarge(error)) throw error
        const alone = new Set(taken)
        left = alone
        await writeEach(alone)
        await write([])
      })
    } catch (error) {
      outputs = [...left, ...outputs]
      for (const output of left) outputBytes += sizeOf(output)
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
      if (outputs.length >= lingerOutputs || full()) return
      if (options.closing() || latest?.signal.aborted !== false) return
      await new Promise((resolve) => setTimeout(resolve, Math.min(left, lingerStepMs)))
    }
  }

  const flush = (): void => {
    if (flushing !== undefined) return
    flushing = (async () => {
      // Whoever started it notes that it runs before it can end.
      await Promise.resolve()
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
      // At once with the look at what is pending, or what comes in between would wait for the next record.
      flushing = undefined
      wake()
    })()
  }

  /** Resolves with false where it has to wait on. */
  const start = async (
    { item: { record, opened, entry, signal }, end }: Started<Waiting<T>>,
    crowded = false,
  ): Promise<boolean> => {
    const bytes = sizeOf(record)
    waitingBytes -= bytes
    runningBytes += bytes
    running += 1
    const made = await options
      .handle(record, signal, opened, crowded)
      .catch((error: unknown): undefined => {
        options.onError(error)
        return undefined
      })
    running -= 1
    runningBytes -= bytes
    end()
    if (made === 'wait') {
      if (!signal.aborted) waitingBytes += bytes
    } else if (made !== undefined) {
      entry.done = true
      for (const output of made) {
        outputs.push(output)
        outputBytes += sizeOf(output)
      }
      flush()
    }
    startNext()
    wake()
    return made !== 'wait'
  }

  const startNext = (): void => {
    if (options.closing() || latest?.signal.aborted !== false) return
    for (let next = fair.next(); next !== undefined; next = fair.next()) void start(next)
  }

  const changeSoon = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, relieveMs)
    })
    await Promise.race([change(), late])
    clearTimeout(timer)
  }

  /** What will only be put off needs no place, and makes room for what lies behind it. */
  const relieve = async (): Promise<void> => {
    await changeSoon()
    const { isStuck } = options
    if (isStuck === undefined || options.closing() || latest?.signal.aborted !== false) return
    for (let count = 0; count < options.limit && crowded(); count += 1) {
      const next = fair.nextOf(isStuck)
      if (next === undefined) return
      void start(next)
    }
  }

  const push = (waiting: Waiting<T>): Waiting<T> | undefined => {
    const left = fair.push(waiting.owner, waiting, waiting.turn)
    startNext()
    return left
  }

  /**
   * What has no room among those that wait here for others of their key goes to wait in the log where others of it
   * do; one after the other, for each changes what is known of the key. Else nothing more is taken in until it has.
   */
  const putOff = async (crowding: Waiting<T>): Promise<void> => {
    for (let left = crowding; !(await start({ item: left, end: () => {} }, true)); ) {
      for (const until = performance.now() + relieveMs; performance.now() < until; ) {
        await changeSoon()
        if (left.signal.aborted || options.closing()) return
        const still = push(left)
        if (still === undefined) return
        left = still
      }
    }
  }

  const enter = (record: StoredRecord, signal: AbortSignal): Promise<void> | undefined => {
    const entry = { offset: record.offset, done: false }
    entries.push(entry)
    known.add(record.offset)
    waitingBytes += sizeOf(record)
    const { opened, ...owner } = options.open(record)
    const { key } = record
    const turn = key === null ? undefined : { key, rank: options.rankOf(record) }
    const left = push({ owner, turn, record, opened, entry, signal })
    return left === undefined ? undefined : putOff(left)
  }

  const forget = (): void => {
    entries.length = 0
    known.clear()
    outputs = []
    outputBytes = 0
    fair.clear()
    waitingBytes = 0
  }

  const crowded = (): boolean => fair.waiting() > (options.ahead ?? 0) || waitingBytes > aheadBytes

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
          const late = enter(record, batch.signal)
          if (late !== undefined) await late
        }
        while (!batch.signal.aborted && crowded()) await relieve()
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
