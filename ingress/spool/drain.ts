import { setMaxListeners } from 'node:events'
import { hasCode, messageOf } from '../../core/errors/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { type Logger, silentLogger } from '../../core/telemetry/index.ts'
import type { Spool } from './spool.ts'

export interface DrainOptions {
  spool: Spool
  /** Resolves once the records, of one key and in order, are in the log. */
  append(records: readonly NewRecord[]): Promise<unknown>
  /** The log will never take this record: it must be kept elsewhere before this resolves. Until then it is tried again. */
  onRejected(record: NewRecord, error: unknown): Promise<void>
  /** Bounds the rush on a log that has just come back. */
  maxPerSecond?: number
  /** An append that takes longer is tried again; a second copy in the log is dropped by dedupe. */
  timeoutMs?: number
  random?: () => number
  logger?: Logger
}

const batchRecords = 512
/** Records of one append, and more where one key has more: enough to be quick, few to be sent again. */
const parcelRecords = 64
const batchBytes = 4 * 1024 * 1024
const lanes = 32
const firstPauseMs = 250
const longestPauseMs = 5_000
const idleMs = 60_000

const neverFits = (error: unknown): boolean => hasCode(error, 'ZENHOOK_LOG_RECORD_TOO_LARGE')

const withinTime = <T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (error: unknown): void => {
      end()
      reject(error)
    }
    const onAbort = (): void => fail(new Error('the drain closes'))
    const timer = setTimeout(() => fail(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)
    signal.addEventListener('abort', onAbort)
    work.then((value) => {
      end()
      resolve(value)
    }, fail)
  })

type Group = readonly NewRecord[]

/** Records of one key stay together, in order; the rest may go side by side. */
const byKey = (records: readonly NewRecord[]): Group[] => {
  const groups = new Map<unknown, NewRecord[]>()
  for (const record of records) {
    const group = record.key === null ? record : `${record.topic}\n${record.key}`
    const found = groups.get(group)
    if (found === undefined) groups.set(group, [record])
    else found.push(record)
  }
  return [...groups.values()]
}

const inParcels = (groups: readonly Group[]): Group[][] => {
  const parcels: Group[][] = []
  let room = 0
  for (const group of groups) {
    if (room <= 0) {
      parcels.push([])
      room = parcelRecords
    }
    parcels.at(-1)?.push(group)
    room -= group.length
  }
  return parcels
}

/**
 * Moves the spool into the log for as long as it lives: in order per key, at a bounded rate. While the
 * log does not take records, one group is tried at a time, after a growing pause.
 */
export const startDrain = (options: DrainOptions): { close(): Promise<void> } => {
  const { spool, logger = silentLogger, random = Math.random } = options
  const { maxPerSecond = 10_000, timeoutMs = 15_000 } = options
  const ending = new AbortController()
  setMaxListeners(2 * lanes, ending.signal)
  let closed = false
  let wake = (): void => {}
  let pauseMs = 0

  const sleep = (ms: number): Promise<void> =>
    closed || ms <= 0
      ? Promise.resolve()
      : new Promise((resolve) => {
          const timer = setTimeout(resolve, ms)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })

  /** Resolves with what is still not in the log. */
  const move = async (group: Group): Promise<Group> => {
    try {
      await withinTime(options.append(group), timeoutMs, ending.signal)
      return []
    } catch (error) {
      const [head, ...rest] = group
      if (closed) return group
      if (head === undefined || !neverFits(error)) {
        logger.warn({ error: messageOf(error), waiting: spool.stats().records }, 'spool waits')
        return group
      }
      if (rest.length > 0) return moveEach(group)
      return reject(head, error)
    }
  }

  const reject = async (record: NewRecord, error: unknown): Promise<Group> => {
    try {
      await options.onRejected(record, error)
      return []
    } catch (failure) {
      // The others of its batch went through, and go on.
      logger.error({ error: messageOf(failure) }, 'a spooled record cannot be kept elsewhere yet')
      return [record]
    }
  }

  const moveEach = async (group: Group): Promise<Group> => {
    for (const [index, record] of group.entries())
      if ((await move([record])).length > 0) return group.slice(index)
    return []
  }

  /** Several keys in one append; whose place is refused goes by itself the next time. Gives what is left. */
  const moveParcel = async (parcel: readonly Group[]): Promise<readonly Group[]> => {
    const [only, ...others] = parcel
    if (only === undefined) return []
    if (others.length === 0) return [await move(only)].filter(({ length }) => length > 0)
    try {
      await withinTime(options.append(parcel.flat()), timeoutMs, ending.signal)
      return []
    } catch (error) {
      if (!closed && !neverFits(error))
        logger.warn({ error: messageOf(error), waiting: spool.stats().records }, 'spool waits')
      return parcel
    }
  }

  const moveAll = async (records: readonly NewRecord[]): Promise<void> => {
    let parcels = inParcels(byKey(records))
    while (parcels.length > 0 && !closed) {
      // After a failure one group goes ahead alone.
      const width = pauseMs > 0 ? 1 : lanes
      const now = parcels.slice(0, width)
      const left = (await Promise.all(now.map(moveParcel))).flat()
      pauseMs = left.length > 0 ? Math.min(longestPauseMs, pauseMs * 2 || firstPauseMs) : 0
      // What failed goes to the end, so that one stuck partition is not tried first for ever.
      parcels = [...parcels.slice(width), ...left.map((group) => [group])]
      await sleep(pauseMs * (0.5 + random() / 2))
    }
    if (parcels.length > 0) throw new Error('closed')
  }

  const run = async (): Promise<void> => {
    while (!closed) {
      const startedAt = performance.now()
      try {
        const batch = await spool.peek(batchRecords, batchBytes)
        if (batch === undefined) {
          await waiting()
          continue
        }
        await moveAll(batch.records)
        await batch.commit()
        const dueMs = (batch.records.length / maxPerSecond) * 1000
        await sleep(dueMs - (performance.now() - startedAt))
      } catch (error) {
        if (closed) return
        logger.error({ error: messageOf(error) }, 'the spool cannot be read; trying again')
        await sleep(longestPauseMs)
      }
    }
  }

  // Writes wake an idle drain only: they cut short neither its pauses nor its rate.
  let written = false
  let idle = false
  const waiting = async (): Promise<void> => {
    idle = true
    if (!written) await sleep(idleMs)
    idle = false
    written = false
  }
  spool.onWaiting(() => {
    written = true
    if (idle) wake()
  })

  const running = run()
  return {
    async close() {
      closed = true
      ending.abort()
      wake()
      await running
    },
  }
}
