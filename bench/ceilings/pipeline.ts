/**
 * Ceiling of the whole: Hono verifies one HMAC, kafkajs appends, one consumer forwards, undici posts.
 * No duplicates are found, nothing is decided, recorded, retried or encoded.
 */
import { Hono } from 'hono'
import type { Producer } from 'kafkajs'
import { Pool } from 'undici'
import { isGenuine, signatureHeader } from '../messages.ts'
import { serve } from '../rpc.ts'
import { listen } from './listen.ts'
import { createTopic, kafkaOf } from './topic.ts'

const topic = 'pipeline'
const connections = 64

interface Waiting {
  value: Buffer
  done: () => void
  failed: (error: unknown) => void
}

/** What came while a request was under way goes in the next one. */
const batching = (producer: Producer): ((value: Buffer) => Promise<void>) => {
  let waiting: Waiting[] = []
  let busy = false
  const flush = async (): Promise<void> => {
    busy = true
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        await producer.send({ topic, acks: -1, messages: group.map(({ value }) => ({ value })) })
        for (const { done } of group) done()
      } catch (error) {
        for (const { failed } of group) failed(error)
      }
    }
    busy = false
  }
  return (value) =>
    new Promise((done, failed) => {
      waiting.push({ value, done, failed })
      if (!busy) void flush()
    })
}

const start = async ({
  brokers,
  sinkUrl,
}: {
  brokers: readonly string[]
  sinkUrl: string
}): Promise<string> => {
  const kafka = kafkaOf(brokers)
  await createTopic(kafka, topic)
  const producer = kafka.producer()
  await producer.connect()
  const append = batching(producer)

  const { origin, pathname } = new URL(sinkUrl)
  const pool = new Pool(origin, { connections })
  const forward = async (body: Buffer | null): Promise<void> => {
    const response = await pool.request({ path: pathname, method: 'POST', body })
    await response.body.dump()
    if (response.statusCode !== 200) throw new Error(`the sink answered ${response.statusCode}`)
  }
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve())
  })
  await consumer.run({
    partitionsConsumedConcurrently: 6,
    eachBatch: async ({ batch }) => {
      await Promise.all(batch.messages.map(({ value }) => forward(value)))
    },
  })
  await joined

  const app = new Hono()
  app.post('/in', async (c) => {
    const body = Buffer.from(await c.req.arrayBuffer())
    if (!isGenuine(body, c.req.header(signatureHeader))) return c.json({ error: 'signature' }, 401)
    await append(body)
    return c.json({ id: crypto.randomUUID() }, 202)
  })
  return `${await listen(app.fetch)}/in`
}

serve({ start })
