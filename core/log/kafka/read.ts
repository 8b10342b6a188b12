import { setTimeout as sleep } from 'node:timers/promises'
import type { Position } from '../../event/index.ts'
import type { StoredRecord, TopicEnd } from '../port.ts'
import { isOutOfRange, logError } from './errors.ts'
import type { Fetcher } from './raw.ts'
import { storedRecord } from './records.ts'

export interface ReaderOptions {
  fetcher: Fetcher
  fullName(topic: string): string
  ends(topic: string): Promise<readonly TopicEnd[]>
}

/** Fetches in a row that give nothing, of 100 ms each. */
const mostStalls = 30

/** `read` of the port: a range of one partition, without a group. */
export const createReader = ({ fetcher, fullName, ends }: ReaderOptions) => {
  const endOf = async ({ topic, partition }: Position): Promise<TopicEnd> => {
    const found = (await ends(topic)).find((end) => end.partition === partition)
    if (found === undefined)
      throw logError('ZENHOOK_LOG_UNKNOWN_TOPIC', `${topic} has no partition ${partition}`)
    return found
  }

  return async function* read(
    from: Position,
    to?: number,
    signal?: AbortSignal,
  ): AsyncIterable<StoredRecord> {
    const { topic, partition } = from
    const { first, next } = await endOf(from)
    const stop = Math.min(to ?? next, next)
    let offset = Math.max(from.offset, first)
    let failures = 0
    let stalls = 0
    while (offset < stop && !signal?.aborted) {
      try {
        const fetched = await fetcher.fetch(fullName(topic), partition, offset, 100)
        failures = 0
        for (const message of fetched.messages) {
          if (Number(message.offset) >= stop || signal?.aborted) return
          yield storedRecord(topic, partition, message)
        }
        stalls = fetched.next > offset ? 0 : stalls + 1
        offset = fetched.next
      } catch (error) {
        if (isOutOfRange(error)) {
          // Retention was faster; what it left is read.
          offset = Math.max(offset + 1, (await endOf(from)).first)
          continue
        }
        if (++failures > 6)
          throw logError('ZENHOOK_LOG_UNAVAILABLE', `${topic}/${partition} cannot be read`, error)
        await sleep(Math.min(50 * 2 ** failures, 1_000), undefined, { signal }).catch(
          () => undefined,
        )
      }
      // A new leader may lag for a moment. Where it does for longer, nobody may take that for the end.
      if (stalls > mostStalls)
        throw logError(
          'ZENHOOK_LOG_UNAVAILABLE',
          `${topic}/${partition} gives no more at ${offset}, before its end at ${stop}`,
        )
    }
  }
}
