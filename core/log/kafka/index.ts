import type { Log, Subscription } from '../port.ts'
import { createClient } from './client.ts'
import { logError } from './errors.ts'
import { createGroup, type GroupSubscription } from './group.ts'
import { createNames } from './names.ts'
import type { KafkaLogOptions } from './options.ts'
import { createFetcher, type Fetcher } from './raw.ts'
import { createReader } from './read.ts'
import { createTail } from './tail.ts'
import { createWriting } from './writing.ts'

export { type KafkaEnvironment, kafkaOptionsOf } from './env.ts'
export type { KafkaLogger, KafkaLogOptions } from './options.ts'
export { createKafkaPublisher, type KafkaPublisher } from './publisher.ts'

/**
 * The log on Apache Kafka. Connects when it is first used, so it can be made while every broker is
 * down; each call then rejects with ZENHOOK_LOG_UNAVAILABLE until one answers.
 */
export const createKafkaLog = (options: KafkaLogOptions): Log => {
  const names = createNames(options.prefix ?? 'zenhook')
  const { admin, append, close: closeWriting } = createWriting(options, names)
  const fetcherOf = (): Fetcher =>
    createFetcher(createClient(options, { initialRetryTime: 50, maxRetryTime: 500, retries: 3 }))
  const subscriptions = new Set<Subscription>()
  /** What this process has subscribed, by group. */
  const groups = new Map<string, { topics: Set<string>; members: Set<GroupSubscription> }>()
  let reader: Fetcher | undefined
  let closed: Promise<void> | undefined

  const open = (): void => {
    if (closed !== undefined) throw logError('ZENHOOK_LOG_CLOSED', 'The log is closed')
  }

  return {
    capabilities: {
      atomicSettle: false,
      multiProcess: true,
      survivesRestart: true,
      delayedRecords: false,
    },
    ensureTopics: async (specs) => {
      open()
      await admin.ensureTopics(specs)
    },
    append: async (records) => {
      open()
      return append(records)
    },
    subscribe: async (wanted, onBatch) => {
      open()
      const common = { subscribe: wanted, onBatch, append }
      let inner: Subscription
      let left = (): void => {}
      if (wanted.ephemeral)
        inner = createTail({
          ...common,
          createFetcher: fetcherOf,
          fullName: names.topic,
          ends: (topic) => admin.ends(topic),
        })
      else {
        const member = createGroup({ ...common, log: options, names, admin })
        const group = groups.get(wanted.group) ?? { topics: new Set(), members: new Set() }
        groups.set(wanted.group, group)
        for (const topic of wanted.topics) group.topics.add(topic)
        group.members.add(member)
        left = () => group.members.delete(member)
        inner = member
      }
      let ended: Promise<void> | undefined
      const subscription: Subscription = {
        ready: () => inner.ready(),
        close: () => {
          ended ??= inner.close().finally(() => {
            subscriptions.delete(subscription)
            left()
          })
          return ended
        },
      }
      subscriptions.add(subscription)
      return subscription
    },
    read: (from, to, signal) => {
      open()
      reader ??= fetcherOf()
      const ends = (topic: string) => admin.ends(topic)
      return createReader({ fetcher: reader, fullName: names.topic, ends })(from, to, signal)
    },
    ends: async (topic) => {
      open()
      return admin.ends(topic)
    },
    since: async (topic, timestamp) => {
      open()
      return admin.since(topic, timestamp)
    },
    lag: async (group) => {
      open()
      const mine = groups.get(group)
      await Promise.all([...(mine?.members ?? [])].map((member) => member.progress()))
      return admin.lag(group, mine?.topics ?? [])
    },
    ping: async () => {
      open()
      await admin.ping()
    },
    close: () => {
      closed ??= (async () => {
        await Promise.all([...subscriptions].map((subscription) => subscription.close()))
        await closeWriting()
        await reader?.close()
      })()
      return closed
    },
  }
}
