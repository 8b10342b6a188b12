import { access, constants, mkdir, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Check } from '../api/types.ts'
import { isZenhookError, messageOf } from '../core/errors/index.ts'
import { silentLogger } from '../core/telemetry/index.ts'
import { type Instance, instanceFile } from './client.ts'
import type { Settings } from './settings.ts'

/** One dependency: whether it can be used, what it is, and how to mend it where it cannot. */
export interface Finding extends Check {
  /** Empty where all is well. */
  fix: string
}

const patienceMs = 8_000

const examine = async (
  name: string,
  look: () => Promise<string>,
  fix: string,
): Promise<Finding> => {
  try {
    const detail = await Promise.race([
      look(),
      new Promise<never>((_, reject) => {
        setTimeout(() => reject(new Error(`no answer in ${patienceMs} ms`)), patienceMs).unref()
      }),
    ])
    return { name, ok: true, detail, fix: '' }
  } catch (error) {
    return {
      name,
      ok: false,
      detail: messageOf(error),
      fix: isZenhookError(error) ? error.fix : fix,
    }
  }
}

const node = async (): Promise<string> => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 20)) throw new Error(`Node.js ${process.version}`)
  return process.version
}

const folder = async ({ dataDir }: Settings): Promise<string> => {
  await mkdir(dataDir, { recursive: true })
  await access(dataDir, constants.W_OK)
  const { bavail, bsize } = await statfs(dataDir)
  const free = bavail * bsize
  if (free < 256 * 2 ** 20) throw new Error(`${dataDir} has ${Math.round(free / 2 ** 20)} MiB free`)
  return `${dataDir}, ${(free / 2 ** 30).toFixed(1)} GiB free`
}

const instance = async ({ dataDir }: Settings): Promise<string> => {
  let known: Instance
  try {
    known = JSON.parse(await readFile(join(dataDir, instanceFile), 'utf8')) as Instance
  } catch {
    return 'none runs on this data folder'
  }
  const response = await fetch(`${known.url}/readyz?verbose`)
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(text)
  return `${known.url}, version ${known.version}, pid ${known.pid}`
}

const log = async ({ kafka, topicPrefix }: Settings): Promise<string> => {
  if (kafka === undefined) {
    const { open } = await import('lmdb')
    return typeof open === 'function' ? 'embedded (lmdb)' : ''
  }
  const { createKafkaLog } = await import('../core/log/kafka/index.ts')
  const opened = createKafkaLog({ ...kafka, prefix: topicPrefix, logger: silentLogger })
  try {
    await opened.ping()
    return `Apache Kafka at ${kafka.brokers.join(', ')}`
  } finally {
    await opened.close()
  }
}

const state = async ({ redisUrl, topicPrefix }: Settings): Promise<string> => {
  if (redisUrl === undefined) return 'embedded (lmdb)'
  const { createRedisKv } = await import('../core/kv/redis/index.ts')
  const opened = createRedisKv({
    url: redisUrl,
    prefix: `${topicPrefix}:`,
    timeoutMs: 2_000,
    logger: silentLogger,
  })
  try {
    await opened.ping()
    return 'Redis'
  } finally {
    await opened.close()
  }
}

const schemas = async ({ schemaRegistryUrl }: Settings): Promise<string> => {
  if (schemaRegistryUrl === undefined) return 'files'
  const { createConfluentSchemas } = await import('../core/event/codec/confluent/index.ts')
  const opened = createConfluentSchemas({ url: schemaRegistryUrl })
  try {
    await opened.ping()
    return 'schema registry'
  } finally {
    await opened.close()
  }
}

const decisions = async ({ clickhouseUrl }: Settings): Promise<string> => {
  if (clickhouseUrl === undefined) {
    const { Session } = await import('chdb')
    return typeof Session === 'function' ? 'embedded ClickHouse (chdb)' : ''
  }
  const { createClickHouseDecisions } = await import('../core/decisions/clickhouse/index.ts')
  const opened = createClickHouseDecisions({ url: clickhouseUrl })
  try {
    return `ClickHouse ${(await opened.ping()).version}`
  } finally {
    await opened.close()
  }
}

/** Looks at everything a start with these settings would need; nothing is changed but a missing folder made. */
export const examineAll = (settings: Settings): Promise<readonly Finding[]> =>
  Promise.all([
    examine('node', node, 'Install Node.js 20.20 or later'),
    examine('data folder', () => folder(settings), 'Give --data-dir a folder with space to write'),
    examine('instance', () => instance(settings), 'Read what it says is not ready'),
    examine('log', () => log(settings), 'Run npm ci again; check KAFKA_BROKERS'),
    examine('state', () => state(settings), 'Run npm ci again; check REDIS_URL'),
    examine('schemas', () => schemas(settings), 'Check SCHEMA_REGISTRY_URL'),
    examine('decisions', () => decisions(settings), 'Run npm ci again; check CLICKHOUSE_URL'),
  ])
