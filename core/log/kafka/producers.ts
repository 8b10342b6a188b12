import type { Producer } from 'kafkajs'
import { atMost, inTime } from '../../time/limits.ts'
import { createClient } from './client.ts'
import type { KafkaLogOptions } from './options.ts'
import { quickenKafkajs } from './produce.ts'

/** What a lane needs of a producer. */
export type Borrowed = Pick<Producer, 'send' | 'disconnect'>

/**
 * Idempotent producers, each lent to one lane for one send at a time: kafkajs loses acknowledged
 * records when two sends share a producer, or when one send spans partitions. A producer that saw
 * any error is never lent again, for its sequence numbers can no longer be trusted.
 */
export interface ProducerPool {
  /** Rejects when no broker can be reached. */
  borrow(): Promise<Borrowed>
  giveBack(producer: Borrowed): void
  discard(producer: Borrowed): void
  /** How many exist, lent or idle. */
  size(): number
  close(): Promise<void>
}

const restMs = 60_000
const farewellMs = 3_000
/** A producer takes a moment to connect, and longer while leaders move. */
const connectMs = 15_000

export const createProducerPool = (options: KafkaLogOptions): ProducerPool => {
  quickenKafkajs()
  const limit = options.maxProducers ?? 64
  /** Newest last: what rests longest is let go once a burst or a stall is over. */
  const idle: { producer: Borrowed; since: number }[] = []
  const waiting: (() => void)[] = []
  const leaving = new Set<Promise<void>>()
  let alive = 0

  const leave = (producer: Borrowed): void => {
    // A broken producer may never hear of its end.
    const left = atMost(
      farewellMs,
      producer.disconnect().catch(() => undefined),
    )
    leaving.add(left)
    left.finally(() => leaving.delete(left))
  }
  const connect = async (): Promise<Borrowed> => {
    const client = createClient(
      { ...options, requestTimeoutMs: options.requestTimeoutMs ?? 3_000 },
      // kafkajs's first pause of 300 ms would cost more than the whole way of an event. These
      // retries keep the producer, hence its sequence: what the broker has is not doubled.
      { initialRetryTime: 20, maxRetryTime: 400, retries: 10 },
    )
    const producer = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    })
    try {
      await inTime(producer.connect(), connectMs, () => new Error('A producer does not connect'))
    } catch (error) {
      leave(producer)
      throw error
    }
    return producer
  }
  const next = (): void => {
    waiting.shift()?.()
  }

  return {
    borrow: async () => {
      for (;;) {
        const rested = idle.pop()
        if (rested !== undefined) return rested.producer
        if (alive < limit) break
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      alive++
      try {
        return await connect()
      } catch (error) {
        alive--
        next()
        throw error
      }
    },
    giveBack: (producer) => {
      const [oldest] = idle
      if (oldest !== undefined && Date.now() - oldest.since > restMs) {
        idle.shift()
        alive--
        leave(oldest.producer)
      }
      idle.push({ producer, since: Date.now() })
      next()
    },
    discard: (producer) => {
      alive--
      leave(producer)
      next()
    },
    size: () => alive,
    close: async () => {
      for (const { producer } of idle.splice(0)) leave(producer)
      alive = 0
      await Promise.all(leaving)
    },
  }
}
