import { Kafka, logLevel } from 'kafkajs'
import { createKafkaLog } from '../../core/log/kafka/index.ts'
import type { NewRecord } from '../../core/log/port.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import type { FaultRig } from './rig.ts'

type Admin = ReturnType<Kafka['admin']>

/** The brokers themselves, around the product. */
export const withAdmin = async <T>(
  { kafka }: Pick<FaultRig, 'kafka'>,
  work: (admin: Admin) => Promise<T>,
): Promise<T> => {
  const client = new Kafka({
    brokers: [...kafka.brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: 3, initialRetryTime: 50 },
  })
  const admin = client.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

export const topicName = (logical: string): string => `zenhook.${logical}.v1`

/** Records of a topic that a group has not settled. */
export const behind = (admin: Admin, group: string, topic: string): Promise<number> =>
  Promise.all([
    admin.fetchTopicOffsets(topicName(topic)),
    admin.fetchOffsets({ groupId: `zenhook.${group}`, topics: [topicName(topic)] }),
  ]).then(([ends, [settled]]) =>
    ends.reduce((sum, { partition, high, low }) => {
      const found = settled?.partitions.find((each) => each.partition === partition)
      const next = Number(found?.offset ?? -1)
      return sum + Number(high) - Math.max(Number(low), next)
    }, 0),
  )

/** What waits in the whole pipeline, and the events that the tables do not tell of yet. */
export const backlog = async (admin: Admin): Promise<{ waiting: number; untold: number }> => {
  const [chain, connectors, untold] = await Promise.all([
    behind(admin, 'chain', 'received'),
    behind(admin, 'connectors', 'dispatch'),
    behind(admin, 'sink', 'received'),
  ])
  return { waiting: chain + connectors, untold }
}

/** Takes away all that a topic holds by now, as its retention would. */
export const removeRecords = async (admin: Admin, topic: string): Promise<number> => {
  const partitions = await admin.fetchTopicOffsets(topicName(topic))
  await admin.deleteTopicRecords({
    topic: topicName(topic),
    partitions: partitions.map(({ partition, high }) => ({ partition, offset: high })),
  })
  return partitions.length
}

/** Appends around the product. */
export const appendRaw = async (
  { kafka }: Pick<FaultRig, 'kafka'>,
  records: readonly NewRecord[],
): Promise<readonly { partition: number; offset: number }[]> => {
  const log = createKafkaLog({ brokers: kafka.brokers, logger: silentLogger })
  try {
    return await log.append(records)
  } finally {
    await log.close()
  }
}

/** Settings of a topic; `undefined` takes the one that was set before away. Resolves with how it was. */
export const setTopic = async (
  admin: Admin,
  topic: string,
  change: Readonly<Record<string, string | undefined>>,
): Promise<void> => {
  const name = topicName(topic)
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name }],
  })
  // The broker replaces all: what was set by us before is named again.
  const own = (resources[0]?.configEntries ?? [])
    .filter(({ configSource }) => Number(configSource) === 1)
    .map(({ configName, configValue }) => [configName, configValue] as const)
  const wanted = { ...Object.fromEntries(own), ...change }
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: 2,
        name,
        configEntries: Object.entries(wanted).flatMap(([key, value]) =>
          value === undefined ? [] : [{ name: key, value }],
        ),
      },
    ],
  })
}
