import type { Position } from '../../event/index.ts'
import type { BatchHandler, NewRecord, StoredRecord } from '../port.ts'
import { logError } from './errors.ts'
import { bytesOf } from './records.ts'

export interface PumpOptions {
  topic: string
  partition: number
  /** The group's next offset. */
  start: number
  maxRecords: number
  maxBytes: number
  onBatch: BatchHandler
  onError(error: unknown): void
  /** Fetching should stop for a while (the handler is slow), or go on. */
  flow(full: boolean): void
  /** Fetch again from this offset; everything offered before is forgotten. */
  rewind(offset: number): void
  append(records: readonly NewRecord[]): Promise<unknown>
  /** Moves the group's progress; rejects with ZENHOOK_LOG_NOT_OWNER when it is not ours any more. */
  commit(next: number): Promise<void>
}

/**
 * One partition's way from the fetcher to the handler: one call at a time, whatever the group does.
 * It holds fetched records ahead of the handler, so that fetching and heartbeats never wait for it.
 */
export interface Pump {
  offer(records: readonly StoredRecord[]): void
  /** Aborts the signal and forgets what waits; resolves once the handler under way has ended. */
  revoke(): Promise<void>
}

const firstPauseMs = 50
const longestPauseMs = 5_000

export const createPump = (options: PumpOptions, previous: Promise<void>): Pump => {
  const { topic, partition, maxRecords, maxBytes } = options
  const abort = new AbortController()
  let queue: StoredRecord[] = []
  let queuedBytes = 0
  let isFull = false
  let failures = 0
  let settled = options.start
  let commits: Promise<unknown> = Promise.resolve()
  let inLog: Promise<void> = Promise.resolve()
  let wait: NodeJS.Timeout | undefined
  let working: Promise<void> | undefined
  let isReady = false

  const revoked = (): boolean => abort.signal.aborted

  const notOwner = () =>
    logError('ZENHOOK_LOG_NOT_OWNER', `${topic}/${partition} has moved to another consumer`)

  /** Outputs and all those before them, in the log. */
  const appended = async (outputs: readonly NewRecord[]): Promise<void> => {
    const own = outputs.length > 0 ? options.append(outputs) : undefined
    const earlier = inLog.catch((error: unknown) => {
      throw logError('ZENHOOK_LOG_UNAVAILABLE', 'An earlier settle has failed', error)
    })
    await Promise.all([earlier, own])
  }

  const settle = async (through: Position, outputs: readonly NewRecord[] = []): Promise<void> => {
    if (revoked()) throw notOwner()
    // In the order of the calls: a later settle must not pass one whose outputs are not in the log. So it
    // takes its turn before it waits for anything.
    const before = commits
    const ours = appended(outputs)
    const mine = (async () => {
      await ours
      await before.catch(() => undefined)
      if (revoked()) throw notOwner()
      const next = through.offset + 1
      if (next <= settled) return
      await options.commit(next)
      settled = Math.max(settled, next)
    })()
    inLog = ours
    commits = mine
    // Whoever settles after that is told knows what is missing, and brings it again.
    ours.catch(() => {
      if (inLog === ours) inLog = Promise.resolve()
    })
    await mine
  }

  const judgeFlow = (): void => {
    const full = isFull
      ? queue.length > maxRecords || queuedBytes > maxBytes / 2
      : queue.length >= 4 * maxRecords || queuedBytes >= maxBytes
    if (full === isFull || wait !== undefined) return
    isFull = full
    options.flow(full)
  }

  const take = (): StoredRecord[] => {
    let bytes = 0
    let count = 0
    for (const record of queue) {
      const size = bytesOf(record)
      if (count > 0 && (count >= maxRecords || bytes + size > maxBytes)) break
      bytes += size
      count++
    }
    queuedBytes -= bytes
    return queue.splice(0, count)
  }

  const forget = (): void => {
    queue = []
    queuedBytes = 0
  }

  const redeliver = (at: number): void => {
    forget()
    if (revoked()) return
    options.flow(true)
    isFull = true
    const again = (): void => {
      // Timers may fire a little early, and are limited to 24 days.
      const rest = at - Date.now()
      if (rest > 0) {
        wait = setTimeout(again, Math.min(rest, 2 ** 30))
        return
      }
      wait = undefined
      forget()
      options.rewind(settled)
      isFull = false
      options.flow(false)
    }
    wait = setTimeout(again, Math.max(0, Math.min(at - Date.now(), 2 ** 30)))
  }

  const work = async (): Promise<void> => {
    while (queue.length > 0 && !revoked() && wait === undefined) {
      const records = take()
      judgeFlow()
      try {
        const answer = await options.onBatch({
          topic,
          partition,
          records,
          signal: abort.signal,
          settle,
        })
        failures = 0
        if (answer !== undefined) redeliver(answer.redeliverAt)
      } catch (error) {
        if (revoked()) return
        options.onError(error)
        redeliver(Date.now() + Math.min(firstPauseMs * 2 ** failures++, longestPauseMs))
      }
    }
  }

  const kick = (): void => {
    if (!isReady || working !== undefined || queue.length === 0 || revoked()) return
    working = work().finally(() => {
      working = undefined
      kick()
    })
  }

  // The partition's last handler may still run after a rebalance: it ends first.
  previous.then(() => {
    isReady = true
    kick()
  })

  return {
    offer: (records) => {
      if (revoked() || wait !== undefined) return
      queue.push(...records)
      for (const record of records) queuedBytes += bytesOf(record)
      judgeFlow()
      kick()
    },
    revoke: async () => {
      abort.abort()
      clearTimeout(wait)
      forget()
      await working
      await previous
    },
  }
}
