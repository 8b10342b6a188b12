import { setTimeout as sleep, setImmediate as tick } from 'node:timers/promises'
import type { Message, RecordMetadata } from 'kafkajs'
import type { ZenhookError } from '../../errors/index.ts'
import { inTime } from '../../time/limits.ts'
import { isFinal, isRefusedRecord, isTooLarge, isUnknownTopic, logError } from './errors.ts'
import type { KafkaLogger } from './options.ts'
import type { ProducerPool } from './producers.ts'

/** One record on its way into one partition. */
export interface Entry {
  message: Message & { partition: number }
  bytes: number
  /** Nobody waits for it any more; it is not sent again. */
  abandoned(): boolean
  /** `resent`: an earlier send of it may have come in too, under another producer. */
  done(offset: number, resent: boolean): void
  failed(error: ZenhookError): void
}

export interface Lanes {
  /** Puts a record at the end of its partition's lane; order in is order in the log. */
  push(topic: string, partition: number, entry: Entry): void
  /** How long the partition's present batch has been under way, ms; 0 where none is. */
  sendingMs(topic: string, partition: number, now: number): number
  queuedBytes(): number
  /** Resolves once every lane is empty. */
  idle(): Promise<void>
}

export interface LanesOptions {
  pool: ProducerPool
  logger: KafkaLogger
  sendTimeoutMs: number
  /** Whether a topic is really gone, not only unknown to one broker. */
  isMissing(topic: string): Promise<boolean>
}

interface Lane {
  topic: string
  partition: number
  queue: Entry[]
  /** When its present batch set out, ms; 0 before the first. */
  since: number
}

const maxSendBytes = 900 * 1024
const maxSendRecords = 4_000
const minSendBytes = 4 * 1024

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`

/** A send counts only if its one partition is in the answer: kafkajs may resolve without it. */
const baseOffsetOf = (answer: readonly RecordMetadata[], lane: Lane): number => {
  const mine = answer.find(
    ({ topicName, partition }) => topicName === lane.topic && partition === lane.partition,
  )
  const base = Number(mine?.baseOffset ?? -1)
  if (mine?.errorCode !== 0 || !Number.isSafeInteger(base) || base < 0)
    throw logError(
      'ZENHOOK_LOG_UNAVAILABLE',
      `The broker did not acknowledge ${lane.topic}/${lane.partition}`,
    )
  return base
}

/** Single-flight lanes, one per partition: one send under way, the next batch gathering behind it. */
export const createLanes = ({ pool, logger, sendTimeoutMs, isMissing }: LanesOptions): Lanes => {
  const lanes = new Map<string, Lane>()
  const running = new Set<Promise<void>>()
  /** Bytes of one send to a topic; falls when the broker says that it was too much. */
  const limits = new Map<string, number>()
  let queued = 0

  const send = async (lane: Lane, batch: readonly Entry[], begun: () => void): Promise<number> => {
    const producer = await pool.borrow()
    begun()
    try {
      const sending = producer.send({
        topic: lane.topic,
        acks: -1,
        timeout: sendTimeoutMs,
        messages: batch.map(({ message }) => message),
      })
      const answer = await inTime(sending, sendTimeoutMs, () => new Error('no answer'))
      const base = baseOffsetOf(answer, lane)
      pool.giveBack(producer)
      return base
    } catch (error) {
      pool.discard(producer)
      throw error
    }
  }

  const fail = (batch: readonly Entry[], error: ZenhookError): void => {
    for (const entry of batch) entry.failed(error)
  }

  const deliver = async (lane: Lane, all: readonly Entry[]): Promise<void> => {
    let sends = 0
    for (let attempt = 0; ; attempt++) {
      const batch = all.filter((entry) => !entry.abandoned())
      const [first] = batch
      if (first === undefined) return
      try {
        const base = await send(lane, batch, () => {
          sends++
        })
        batch.forEach((entry, index) => {
          entry.done(base + index, sends > 1)
        })
        return
      } catch (error) {
        if (isRefusedRecord(error) && batch.length > 1) {
          // Halves, until the one that is refused stands alone; the others go through.
          const bytes = batch.reduce((sum, entry) => sum + entry.bytes, 0)
          if (isTooLarge(error))
            limits.set(lane.topic, Math.max(minSendBytes, Math.floor(bytes / 2)))
          const half = Math.ceil(batch.length / 2)
          await deliver(lane, batch.slice(0, half))
          return deliver(lane, batch.slice(half))
        }
        if (isTooLarge(error)) {
          const message = `A record of about ${first.bytes} bytes is more than ${lane.topic} accepts`
          return fail(batch, logError('ZENHOOK_LOG_RECORD_TOO_LARGE', message, error))
        }
        if (isFinal(error)) {
          const message = `The broker refuses records for ${lane.topic}`
          return fail(batch, logError('ZENHOOK_LOG_UNAVAILABLE', message, error))
        }
        if (isUnknownTopic(error) && (await isMissing(lane.topic))) {
          const message = `${lane.topic} does not exist`
          return fail(batch, logError('ZENHOOK_LOG_UNKNOWN_TOPIC', message, error))
        }
        const reason = error instanceof Error ? error.message : String(error)
        const fields = { topic: lane.topic, partition: lane.partition, attempt, reason }
        logger.debug(fields, 'An append failed and is tried again')
        await sleep(Math.min(20 * 2 ** attempt, 1_000))
      }
    }
  }

  const take = (lane: Lane): Entry[] => {
    const limit = limits.get(lane.topic) ?? maxSendBytes
    let bytes = 0
    let count = 0
    for (const entry of lane.queue) {
      if (count > 0 && (bytes + entry.bytes > limit || count >= maxSendRecords)) break
      bytes += entry.bytes
      count++
    }
    return lane.queue.splice(0, count)
  }

  const run = async (lane: Lane): Promise<void> => {
    do {
      // Callers whose records were just acknowledged get their turn, so that the next send takes them all.
      await tick()
      const batch = take(lane)
      lane.since = Date.now()
      try {
        await deliver(lane, batch)
      } catch (error) {
        fail(batch, logError('ZENHOOK_LOG_UNAVAILABLE', 'The append failed', error))
      } finally {
        for (const { bytes } of batch) queued -= bytes
      }
    } while (lane.queue.length > 0)
    // At once with the look at the queue, or a record pushed in between would wait for ever.
    lanes.delete(keyOf(lane.topic, lane.partition))
  }

  return {
    push: (topic, partition, entry) => {
      const key = keyOf(topic, partition)
      queued += entry.bytes
      const busy = lanes.get(key)
      if (busy !== undefined) {
        busy.queue.push(entry)
        return
      }
      const lane: Lane = { topic, partition, queue: [entry], since: 0 }
      lanes.set(key, lane)
      const ended = run(lane)
      running.add(ended)
      ended.finally(() => running.delete(ended))
    },
    sendingMs: (topic, partition, now) => {
      const since = lanes.get(keyOf(topic, partition))?.since ?? 0
      return since === 0 ? 0 : now - since
    },
    queuedBytes: () => queued,
    idle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
