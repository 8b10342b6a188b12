import { access, constants, readFile, statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Check } from '../api/types.ts'
import { isZenhookError, messageOf } from '../core/errors/index.ts'
import { silentLogger } from '../core/telemetry/index.ts'
import { inTime } from '../core/time/limits.ts'
import { readInstance } from './client.ts'
import { reasonOf } from './output.ts'
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
    const detail = await inTime(look(), patienceMs)
    return { name, ok: true, detail, fix: '' }
  } catch (error) {
    const reason = error instanceof Error ? reasonOf(error) : undefined
    return {
      name,
      ok: false,
      detail: messageOf(error) + (reason === undefined ? '' : ` (${reason})`),
      fix: isZenhookError(error) ? error.fix : fix,
    }
  }
}

/** The version of a dependency as it is installed. */
const installed = async (name: string): Promise<string> => {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const text = await readFile(join(folder, name, 'package.json'), 'utf8').catch(() => undefined)
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version
  }
  throw new Error(`the package ${name} is not installed`)
}

const node = async (): Promise<string> => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 20)) throw new Error(`Node.js ${process.version}`)
  return process.version
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const folder = async ({ dataDir }: Settings): Promise<string> => {
  const present = await exists(dataDir)
  let place = dataDir
  while (!(await exists(place)) && place !== dirname(place)) place = dirname(place)
  await access(place, constants.W_OK | constants.X_OK)
  const { bavail, bsize } = await statfs(place)
  const free = bavail * bsize
  if (free < 256 * 2 ** 20) throw new Error(`${place} has ${Math.round(free / 2 ** 20)} MiB free`)
  const about = `${dataDir}, ${(free / 2 ** 30).toFixed(1)} GiB free`
  return present ? about : `${about}, made at the first start`
}

const instance = async ({ dataDir }: Settings): Promise<string> => {
  const known = await readInstance(dataDir)
  if (known === undefined) return 'none runs on this data folder'
  let response: Response
  try {
    response = await fetch(`${known.url}/readyz?verbose`)
  } catch (error) {
    if (lives(known.pid)) throw error
    return 'none runs on this data folder; the last one was killed'
  }
  const text = (await response.text()).trim()
  if (!response.ok) throw new Error(text.replaceAll('\n', '; '))
  return `${known.url}, version ${known.version}, pid ${known.pid}`
}

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const log = async ({ kafka, topicPrefix }: Settings): Promise<string> => {
  if (kafka === undefined) return `embedded (lmdb ${await installed('lmdb')})`
  const { createKafkaLog } = await import('../core/log/kafka/index.ts')
  const opened = createKafkaLog({ ...kafka, prefix: topicPrefix, logger: silentLogger })
  try {
    await opened.ping()
    return `Apache Kafka at ${kafka.brokers.join(', ')}, version not told by the brokers`
  } finally {
    await opened.close()
  }
}

const state = async ({ redisUrl, topicPrefix }: Settings): Promise<string> => {
  if (redisUrl === undefined) return `embedded (lmdb ${await installed('lmdb')})`
  const { createRedisClient } = await import('../core/kv/redis/client.ts')
  const client = createRedisClient({ url: redisUrl, timeoutMs: 2_000 })
  try {
    const about = await client.call((redis) => redis.info('server'))
    const [, version = ''] = /^redis_version:(\S+)/m.exec(about) ?? []
    return `Redis ${version}, keys ${topicPrefix}:*`
  } finally {
    await client.close()
  }
}

const schemas = async ({ schemaRegistryUrl }: Settings): Promise<string> => {
  if (schemaRegistryUrl === undefined) return 'files of the package'
  const { createConfluentSchemas } = await import('../core/event/codec/confluent/index.ts')
  const opened = createConfluentSchemas({ url: schemaRegistryUrl, timeoutMs: 3_000 })
  try {
    await opened.ping()
    const version = await opened.version().catch(() => undefined)
    return `schema registry (Confluent API), version ${version ?? 'not told'}`
  } finally {
    await opened.close()
  }
}

const decisions = async ({ clickhouseUrl }: Settings): Promise<string> => {
  if (clickhouseUrl === undefined) {
    await import('chdb')
    return `embedded ClickHouse (chdb ${await installed('chdb')})`
  }
  const { createClickHouseDecisions } = await import('../core/decisions/clickhouse/index.ts')
  const opened = createClickHouseDecisions({ url: clickhouseUrl })
  try {
    return `ClickHouse ${(await opened.ping()).version}`
  } finally {
    await opened.close()
  }
}

const traces = async ({ tracing }: Settings): Promise<string> => {
  if (tracing === undefined) return 'not exported (OTEL_EXPORTER_OTLP_ENDPOINT is not set)'
  const { url, headers } = tracing
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{"resourceSpans":[]}',
    signal: AbortSignal.timeout(patienceMs),
  })
  const place = new URL(url)
  if (!response.ok) throw new Error(`${place.host}${place.pathname} answered ${response.status}`)
  return `collector at ${place.host}${place.pathname}`
}

/** Looks at everything that a start with these settings would need, and changes nothing. */
export const examineAll = (settings: Settings): Promise<readonly Finding[]> =>
  Promise.all([
    examine('node', node, 'Install Node.js 20.20 or later'),
    examine('data folder', () => folder(settings), 'Give --data-dir a folder with space to write'),
    examine('instance', () => instance(settings), 'Mend what it says is not ready'),
    examine('log', () => log(settings), 'Run npm ci again; check KAFKA_BROKERS'),
    examine('state', () => state(settings), 'Run npm ci again; check REDIS_URL'),
    examine('schemas', () => schemas(settings), 'Check SCHEMA_REGISTRY_URL'),
    examine('decisions', () => decisions(settings), 'Run npm ci again; check CLICKHOUSE_URL'),
    examine(
      'traces',
      () => traces(settings),
      'Check OTEL_EXPORTER_OTLP_ENDPOINT (or _TRACES_ENDPOINT) and _HEADERS',
    ),
  ])
