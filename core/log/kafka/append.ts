import type { Position } from '../../event/index.ts'
import { partitionOf, stickyPartition } from '../partition.ts'
import type { NewRecord } from '../port.ts'
import { logError } from './errors.ts'
import type { Lanes } from './lanes.ts'
import { sizeOf } from './records.ts'

export interface AppenderOptions {
  lanes: Lanes
  partitionsOf(topic: string): Promise<number>
  fullName(topic: string): string
  timeoutMs: number
  maxQueuedBytes: number
}

/** Where a record came to lie. */
export interface Placed extends Position {
  /** It may lie at another place as well: a send before this one had no answer. */
  resent?: true
}

const hangingMs = 250

const bytesToSend = ({ value, owned = false }: NewRecord): Buffer | null =>
  value === null
    ? null
    : owned
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : Buffer.from(value)

/** `append` of the port over lanes: one deadline for the call, positions index by index. */
export const createAppender = (options: AppenderOptions) => {
  const { lanes, timeoutMs } = options
  const counts = new Map<string, number>()
  let rotation = 0

  /** Without waiting where the number is known, so that calls keep their order. */
  const learn = async (records: readonly NewRecord[]): Promise<void> => {
    for (const topic of new Set(records.map((record) => record.topic)))
      counts.set(topic, await options.partitionsOf(topic))
  }

  /** What may go anywhere avoids a partition whose send hangs: its leader may be dying. */
  const anyPartition = (topic: string, count: number, now: number): number => {
    const full = options.fullName(topic)
    const first = stickyPartition(now, count)
    for (let turn = 0; turn < count; turn++) {
      const partition = (first + turn) % count
      if (lanes.sendingMs(full, partition, now) < hangingMs) return partition
    }
    return first
  }
  const partitionFor = (
    { topic, key, unordered = false }: NewRecord,
    count: number,
    spread: number,
    now: number,
  ): number => {
    if (unordered) return anyPartition(topic, count, now)
    return key === null ? spread % count : partitionOf(key, count)
  }

  const push = (records: readonly NewRecord[]): Promise<readonly Placed[]> =>
    new Promise((resolve, reject) => {
      const positions: Placed[] = []
      const now = Date.now()
      let waiting = records.length
      let over = false
      const fail = (error: unknown): void => {
        over = true
        clearTimeout(timer)
        reject(error)
      }
      const timer = setTimeout(() => {
        const message = `Not acknowledged within ${timeoutMs} ms; the records may be in the log`
        fail(logError('ZENHOOK_LOG_UNAVAILABLE', message))
      }, timeoutMs)
      const spread = rotation++
      records.forEach((record, index) => {
        const count = counts.get(record.topic) ?? 1
        const partition = partitionFor(record, count, spread, now)
        lanes.push(options.fullName(record.topic), partition, {
          message: {
            partition,
            key: record.key,
            value: bytesToSend(record),
            ...(record.headers !== undefined && { headers: { ...record.headers } }),
            // Brokers refuse what is more than an hour ahead, as a clock that was set back leaves it.
            timestamp: String(Math.min(record.timestamp ?? now, now)),
          },
          bytes: sizeOf(record),
          abandoned: () => over,
          done: (offset, resent) => {
            const place = { topic: record.topic, partition, offset }
            positions[index] = resent ? { ...place, resent } : place
            waiting--
            if (waiting > 0 || over) return
            over = true
            clearTimeout(timer)
            resolve(positions)
          },
          failed: (error) => {
            if (error.code === 'ZENHOOK_LOG_UNKNOWN_TOPIC') counts.delete(record.topic)
            fail(error)
          },
        })
      })
    })

  return async (records: readonly NewRecord[]): Promise<readonly Placed[]> => {
    if (records.length === 0) return []
    if (lanes.queuedBytes() > options.maxQueuedBytes)
      throw logError('ZENHOOK_LOG_UNAVAILABLE', 'Too many bytes wait to be appended')
    if (records.some(({ topic }) => !counts.has(topic))) await learn(records)
    return push(records)
  }
}
