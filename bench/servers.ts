import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startKafka } from '../scripts/servers/kafka.ts'
import { endProcess, type ServerProcess, signal } from '../scripts/servers/process.ts'
import { startRedis, startRegistry } from '../scripts/servers/services.ts'
import { startClickHouseFront } from '../test/clickhouse-front/index.ts'

/** Private servers of one benchmark; they end with it. */
export interface Servers {
  env: Readonly<Record<string, string>>
  brokers: readonly string[]
  /** Processes by what they are. */
  processes: Readonly<Record<string, readonly number[]>>
  /** Folders that grow with the events, by what they hold. */
  folders: Readonly<Record<string, string>>
  close(): Promise<void>
}

export interface ServersOptions {
  folder: string
  kafkaNodes: number
  /** Also the schema registry and Redis: the bare ceilings need Kafka alone. */
  whole: boolean
  /** Decisions through ClickHouse's official client instead of the engine in the process. */
  clickhouse: boolean
}

export const startServers = async (options: ServersOptions): Promise<Servers> => {
  const { folder, kafkaNodes, whole } = options
  await mkdir(folder, { recursive: true })
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const own = (server: ServerProcess): void => {
    const insist = (): void => void signal(server, 'SIGKILL')
    process.once('exit', insist)
    closers.push(async () => {
      await endProcess(server)
      process.off('exit', insist)
    })
  }
  const env: Record<string, string> = {}
  const processes: Record<string, readonly number[]> = {}
  try {
    const kafka = await startKafka({ dir: join(folder, 'kafka'), nodes: kafkaNodes, heapMb: 512 })
    closers.push(() => kafka.down())
    env.KAFKA_BROKERS = kafka.brokers.join(',')
    processes.kafka = kafka.state.nodes.map((node) => node.process.pid)
    const folders: Record<string, string> = { kafka: kafka.state.dir }
    if (whole) {
      const redisFolder = join(folder, 'redis')
      const redis = await startRedis(redisFolder, (service) => own(service.process))
      env.REDIS_URL = redis.url
      processes.redis = [redis.process.pid]
      folders.redis = redisFolder
      const registry = await startRegistry(join(folder, 'registry'), (service) =>
        own(service.process),
      )
      env.SCHEMA_REGISTRY_URL = registry.url
      processes.registry = [registry.process.pid]
    }
    if (options.clickhouse) {
      const front = await startClickHouseFront()
      closers.push(() => front.close())
      env.CLICKHOUSE_URL = front.url
      processes.clickhouse = [front.pid]
    }
    return { env, brokers: kafka.brokers, processes, folders, close }
  } catch (error) {
    await close()
    throw error
  }
}
