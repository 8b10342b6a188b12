import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import { isOutOfRange, logError } from './errors.ts'
import type { FetchedMessage } from './records.ts'

/**
 * Group-less reading. kafkajs hands records to members of a group only, which costs a rebalance per
 * look-up and leaves groups behind. What it is built of can fetch any range, so this file (alone)
 * reaches for two of its inner parts, in the version that package.json pins, and says so if they are gone.
 */
interface RawBatch {
  messages: FetchedMessage[]
  isEmptyIncludingFiltered(): boolean
  /** Last offset of what was fetched, control records and aborted ones included. */
  lastOffset(): string
}

interface PartitionData {
  partition: number
  highWatermark: string
  lastStableOffset?: string
}

interface RawBroker {
  fetch(request: {
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
    topics: {
      topic: string
      partitions: { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }): Promise<{ responses: { topicName: string; partitions: PartitionData[] }[] }>
}

interface RawCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: string[]): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>
  findBroker(of: { nodeId: string }): Promise<RawBroker>
}

type BatchMaker = new (topic: string, fetchedOffset: string, data: PartitionData) => RawBatch

const readCommitted = 1
const maxBytes = 4 * 1024 * 1024

const inner = (): BatchMaker => createRequire(import.meta.url)('kafkajs/src/consumer/batch.js')

const createCluster = (client: Kafka): RawCluster => {
  const symbol = Object.getOwnPropertySymbols(client).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const make: unknown = symbol === undefined ? undefined : Reflect.get(client, symbol)
  if (typeof make !== 'function')
    throw logError(
      'ZENHOOK_LOG_UNAVAILABLE',
      'This version of kafkajs cannot fetch without a group: use 2.2.4',
    )
  return make({
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    isolationLevel: readCommitted,
  })
}

export interface Fetched {
  messages: FetchedMessage[]
  /** Where to go on: past records, and past holes that were seen to be holes. */
  next: number
  /** Nothing readable lies at or beyond this offset yet. */
  end: number
}

export interface Fetcher {
  /** Rejects with kafkajs's errors, OFFSET_OUT_OF_RANGE among them. */
  fetch(topic: string, partition: number, offset: number, maxWaitMs: number): Promise<Fetched>
  close(): Promise<void>
}

export const createFetcher = (client: Kafka): Fetcher => {
  const Batch = inner()
  let connected: Promise<RawCluster> | undefined

  const connect = async (): Promise<RawCluster> => {
    const cluster = createCluster(client)
    await cluster.connect()
    return cluster
  }
  const drop = (): void => {
    connected?.then((cluster) => cluster.disconnect()).catch(() => undefined)
    connected = undefined
  }

  return {
    fetch: async (topic, partition, offset, maxWaitMs) => {
      connected ??= connect()
      const used = connected
      try {
        const cluster = await used
        await cluster.addMultipleTargetTopics([topic])
        await cluster.refreshMetadataIfNecessary()
        const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
        if (nodeId === undefined || Number(nodeId) < 0)
          throw new Error(`${topic}/${partition} has no leader`)
        const broker = await cluster.findBroker({ nodeId })
        const fetchOffset = String(offset)
        const { responses } = await broker.fetch({
          maxWaitTime: maxWaitMs,
          minBytes: 1,
          maxBytes,
          isolationLevel: readCommitted,
          topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes }] }],
        })
        const data = responses
          .find(({ topicName }) => topicName === topic)
          ?.partitions.find((one) => one.partition === partition)
        if (data === undefined) throw new Error(`No answer for ${topic}/${partition}`)
        const batch = new Batch(topic, fetchOffset, data)
        const end = Number(data.lastStableOffset ?? data.highWatermark)
        const last = batch.isEmptyIncludingFiltered() ? -1 : Number(batch.lastOffset())
        // Bytes lie before the end but no record came: what compaction left of a batch. One step at a time.
        const next = last >= offset ? last + 1 : offset < end ? offset + 1 : offset
        return { messages: batch.messages, next, end: end < 0 ? Number(data.highWatermark) : end }
      } catch (error) {
        // The next fetch looks leaders up afresh; a range that is gone says nothing about them.
        if (connected === used && !isOutOfRange(error)) drop()
        throw error
      }
    },
    close: async () => {
      const cluster = await connected?.catch(() => undefined)
      connected = undefined
      await cluster?.disconnect().catch(() => undefined)
    },
  }
}
