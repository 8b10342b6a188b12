import { join } from 'node:path'
import type { Decisions } from '../core/decisions/port.ts'
import { type Codec, createCodec, type Schemas } from '../core/event/codec/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { Log } from '../core/log/port.ts'
import { fullTopicName, topics } from '../core/log/topics.ts'
import type { Storage } from '../core/storage/index.ts'
import type { Logger } from '../core/telemetry/index.ts'
import type { Settings } from './settings.ts'

/** The engines behind the ports, opened; what stands behind each, in words. A server may still be away. */
export interface Engines {
  log: Log
  kv: Kv
  schemas: Schemas
  /** Only where a role writes or reads it: the embedded one takes about 300 MB. */
  decisions: Decisions | undefined
  names: Readonly<Record<'log' | 'state' | 'schemas' | 'decisions', string>>
  /** Closes all, in the order that loses nothing. Idempotent. */
  close(): Promise<void>
}

/** Each port takes its real server where the environment names one, else the embedded engine. */
export const openEngines = async (settings: Settings, logger: Logger): Promise<Engines> => {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  let storage: Storage | undefined
  const embedded = async (): Promise<Storage> => {
    if (storage === undefined) {
      const { openStorage } = await import('../core/storage/index.ts')
      const opened = openStorage(join(settings.dataDir, 'log'))
      closers.push(() => opened.close())
      storage = opened
    }
    return storage
  }
  try {
    // The storage closes after everything that stands on it.
    if (settings.kafka === undefined || settings.redisUrl === undefined) await embedded()
    const log = await openLog(settings, logger, embedded)
    closers.push(() => log.close())
    const kv = await openKv(settings, logger, embedded)
    closers.push(() => kv.close())
    const schemas = await openSchemas(settings)
    closers.push(() => schemas.close())
    const needed = settings.roles.has('sink') || settings.roles.has('api')
    const decisions = needed ? await openDecisions(settings) : undefined
    closers.push(async () => decisions?.close())
    return { log, kv, schemas, decisions, names: namesOf(settings), close }
  } catch (error) {
    await close()
    throw error
  }
}

const openLog = async (
  settings: Settings,
  logger: Logger,
  embedded: () => Promise<Storage>,
): Promise<Log> => {
  if (settings.kafka !== undefined) {
    const { createKafkaLog } = await import('../core/log/kafka/index.ts')
    return createKafkaLog({ ...settings.kafka, prefix: settings.topicPrefix, logger })
  }
  const { createEmbeddedLog } = await import('../core/log/embedded/index.ts')
  return createEmbeddedLog({
    storage: await embedded(),
    onError: (error) => logger.error({ error: String(error) }, 'the embedded log met an error'),
  })
}

const openKv = async (
  settings: Settings,
  logger: Logger,
  embedded: () => Promise<Storage>,
): Promise<Kv> => {
  if (settings.redisUrl !== undefined) {
    const { createRedisKv } = await import('../core/kv/redis/index.ts')
    return createRedisKv({ url: settings.redisUrl, prefix: `${settings.topicPrefix}:`, logger })
  }
  const { createEmbeddedKv } = await import('../core/kv/embedded/index.ts')
  return createEmbeddedKv({ storage: await embedded() })
}

const openSchemas = async (settings: Settings): Promise<Schemas> => {
  if (settings.schemaRegistryUrl !== undefined) {
    const { createConfluentSchemas } = await import('../core/event/codec/confluent/index.ts')
    return createConfluentSchemas({
      url: settings.schemaRegistryUrl,
      // The start itself tries again, and says that it does.
      retryForMs: 0,
      file: join(settings.dataDir, 'schemas.json'),
    })
  }
  const { createFileSchemas } = await import('../core/event/codec/files/index.ts')
  return createFileSchemas({ kept: join(settings.dataDir, 'written-schemas.json') })
}

const openDecisions = async (settings: Settings): Promise<Decisions> => {
  if (settings.clickhouseUrl !== undefined) {
    const { createClickHouseDecisions } = await import('../core/decisions/clickhouse/index.ts')
    return createClickHouseDecisions({ url: settings.clickhouseUrl })
  }
  const { createChdbDecisions } = await import('../core/decisions/chdb/index.ts')
  return createChdbDecisions({ folder: join(settings.dataDir, 'decisions') })
}

const namesOf = (settings: Settings): Engines['names'] => ({
  log: settings.kafka === undefined ? 'embedded (lmdb)' : 'Apache Kafka',
  state: settings.redisUrl === undefined ? 'embedded (lmdb)' : 'Redis',
  schemas: settings.schemaRegistryUrl === undefined ? 'files' : 'schema registry',
  decisions:
    settings.clickhouseUrl === undefined ? 'embedded ClickHouse (chdb)' : 'ClickHouse server',
})

/** Creates the topics that are missing, with explicit partitions and retention. */
export const prepareLog = ({ log }: Engines): Promise<void> => log.ensureTopics(topics())

/** Registers the schemas of what this process writes. */
export const openCodec = ({ schemas, log }: Engines, { topicPrefix }: Settings): Promise<Codec> =>
  createCodec({
    schemas,
    // Nobody else writes to a log of one process.
    remember: !log.capabilities.multiProcess,
    topicSubject: (topic) => `${fullTopicName(topicPrefix, topic)}-value`,
  })
