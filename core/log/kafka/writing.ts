import { type ClusterAdmin, createAdmin } from './admin.ts'
import { createAppender } from './append.ts'
import { createLanes } from './lanes.ts'
import type { Names } from './names.ts'
import type { KafkaLogOptions } from './options.ts'
import { createProducerPool } from './producers.ts'

export interface Writing {
  admin: ClusterAdmin
  append: ReturnType<typeof createAppender>
  /** Lets what is under way finish. */
  close(): Promise<void>
}

/** The way into a cluster: what it knows of topics, and single-flight lanes into their partitions. */
export const createWriting = (options: KafkaLogOptions, names: Names): Writing => {
  const admin = createAdmin(options, names)
  const pool = createProducerPool(options)
  const timeoutMs = options.appendTimeoutMs ?? 15_000
  const lanes = createLanes({
    pool,
    logger: options.logger,
    sendTimeoutMs: timeoutMs,
    isMissing: (topic) => admin.isMissing(topic),
  })
  const append = createAppender({
    lanes,
    partitionsOf: (topic) => admin.partitionsOf(topic),
    fullName: names.topic,
    timeoutMs,
    maxQueuedBytes: options.maxQueuedBytes ?? 64 * 1024 * 1024,
  })
  return {
    admin,
    append,
    close: async () => {
      await lanes.idle()
      await Promise.all([pool.close(), admin.close()])
    },
  }
}
