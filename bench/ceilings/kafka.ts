/** Ceiling of the log: kafkajs alone, batches of 100 of 1 KiB one after the other, acknowledged by all. */
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { bodySize } from '../messages.ts'
import { serve } from '../rpc.ts'
import { createTopic, kafkaOf } from './topic.ts'

export interface KafkaCeiling {
  producedPerSecond: number
  consumedPerSecond: number
  /** CPU of the client, ms per 1,000 records produced, and consumed. */
  produceCpu: number
  consumeCpu: number
}

const topic = 'ceiling'
const batchSize = 100

const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

const measure = async ({
  brokers,
  seconds,
}: {
  brokers: readonly string[]
  seconds: number
}): Promise<KafkaCeiling> => {
  const kafka = kafkaOf(brokers)
  await createTopic(kafka, topic)
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: batchSize }, () => ({ value: randomBytes(bodySize) }))
  const send = (): Promise<unknown> => producer.send({ topic, acks: -1, messages })
  for (let warm = 0; warm < 20; warm += 1) await send()
  let produced = 0
  const produceCpuAt = process.cpuUsage()
  const began = performance.now()
  while (performance.now() - began < seconds * 1_000) {
    await send()
    produced += batchSize
  }
  const produceMs = performance.now() - began
  const produceCpu = cpuMs(produceCpuAt)
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: topic })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const total = produced + 20 * batchSize
  let consumed = 0
  let firstAt = 0
  let consumeCpuAt = process.cpuUsage()
  const consumeMs = await new Promise<number>((resolve, reject) => {
    const each = async (count: number): Promise<void> => {
      // Joining the group is not what is measured.
      if (consumed === 0) {
        firstAt = performance.now()
        consumeCpuAt = process.cpuUsage()
      }
      consumed += count
      if (consumed >= total) resolve(performance.now() - firstAt)
    }
    consumer
      .run({ eachBatch: ({ batch }) => each(batch.messages.length) })
      .catch((error: unknown) => reject(error))
  })
  const consumeCpu = cpuMs(consumeCpuAt)
  await consumer.disconnect()
  return {
    producedPerSecond: (produced * 1_000) / produceMs,
    consumedPerSecond: (total * 1_000) / consumeMs,
    produceCpu: (produceCpu * 1_000) / produced,
    consumeCpu: (consumeCpu * 1_000) / total,
  }
}

serve({ measure })
