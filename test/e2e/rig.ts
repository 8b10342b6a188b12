import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import type { EventPage, EventSummary, Story } from '../../core/decisions/story.ts'
import type { Log } from '../../core/log/port.ts'
import { topics } from '../../core/log/topics.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import { startClickHouseFront } from '../clickhouse-front/index.ts'
import {
  startFakeJira,
  startFakeServiceNow,
  startFakeSlack,
  startWebhookReceiver,
} from '../fakes/index.ts'
import type { TestServers } from '../servers.ts'
import { configOf, type Fakes } from './config.ts'
import { type Running, startInstance } from './instance.ts'
import { createSigner, type Keys, makeKeys, type Payload, type Signer } from './requests.ts'

/** What stands behind the ports in one run. */
export interface Engines {
  env: Readonly<Record<string, string>>
  /** The log of an instance that has ended. */
  openLog(dataDir: string): Promise<Log>
  /** Removes what the run left on servers. */
  clean(): Promise<void>
}

export const embeddedEngines = async (): Promise<Engines> => ({
  env: {},
  openLog: async (dataDir) => {
    const { openStorage } = await import('../../core/storage/index.ts')
    const { createEmbeddedLog } = await import('../../core/log/embedded/index.ts')
    const storage = openStorage(join(dataDir, 'log'))
    const log = await createEmbeddedLog({ storage })
    return {
      ...log,
      close: async () => {
        await log.close()
        await storage.close()
      },
    }
  },
  clean: async () => {},
})

/** All real servers under a prefix of their own; `undefined` where one is missing. */
export const serverEngines = async (servers: TestServers): Promise<Engines> => {
  const { kafka, redis, registry } = servers
  if (kafka === undefined || redis === undefined || registry === undefined)
    throw new Error(servers.reason ?? 'a server is missing')
  const prefix = `e2e${randomUUID().slice(0, 8)}`
  const front = await startClickHouseFront()
  return {
    env: {
      KAFKA_BROKERS: kafka.join(','),
      KAFKA_TOPIC_PREFIX: prefix,
      SCHEMA_REGISTRY_URL: registry,
      REDIS_URL: redis,
      CLICKHOUSE_URL: front.url,
    },
    openLog: async () => {
      const { createKafkaLog } = await import('../../core/log/kafka/index.ts')
      return createKafkaLog({ brokers: kafka, prefix, logger: silentLogger })
    },
    clean: async () => {
      await front.close()
      await removeTopics(kafka, prefix)
      await removeKeys(redis, prefix)
    },
  }
}

const removeTopics = async (brokers: string[], prefix: string): Promise<void> => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const made = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`))
    if (made.length > 0) await admin.deleteTopics({ topics: made })
    const { groups } = await admin.listGroups()
    const own = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(`${prefix}.`))
    // One that a killed process still holds goes by itself.
    await admin.deleteGroups(own).catch(() => undefined)
  } finally {
    await admin.disconnect()
  }
}

const removeKeys = async (url: string, prefix: string): Promise<void> => {
  const client = new Redis(url)
  try {
    for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 }))
      if (keys.length > 0) await client.unlink(keys)
  } finally {
    client.disconnect()
  }
}

const startFakes = async (): Promise<Fakes> => ({
  slack: await startFakeSlack(),
  servicenow: await startFakeServiceNow(),
  jira: await startFakeJira(),
  webhook: await startWebhookReceiver(),
})

/** Signing secrets of the destinations, in Standard Webhooks' form: in use, and next. */
const signingSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/** One instance, its senders, and its receivers. */
export interface Rig {
  dataDir: string
  fakes: Fakes
  keys: Keys
  signing: readonly [string, string]
  /** Every value that must be seen nowhere. */
  secrets: readonly string[]
  running(): Running
  signer(): Signer
  start(): Promise<void>
  close(): Promise<void>
}

export const createRig = async (
  payloads: readonly Payload[],
  engines: Engines,
  chain: 'fused' | 'split',
): Promise<Rig> => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-e2e-'))
  const secretsFolder = join(folder, 'secrets')
  await mkdir(secretsFolder)
  const dataDir = join(folder, 'data')
  const fakes = await startFakes()
  const { slack, servicenow, jira } = fakes
  const keys = await makeKeys(secretsFolder)
  const signing = [signingSecret(), signingSecret()] as const
  await writeFile(join(secretsFolder, 'signing'), signing[0], { mode: 0o600 })
  const config = join(folder, 'zenhook.yaml')
  await writeFile(config, configOf(fakes, secretsFolder, keys.refsOf))
  const basic = (user: string, password: string): string =>
    Buffer.from(`${user}:${password}`).toString('base64')

  let running: Running | undefined
  let signer: Signer | undefined
  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the instance was not started')
    return value
  }
  return {
    ...{ dataDir, fakes, keys, signing },
    secrets: [
      ...keys.secret,
      ...signing,
      ...[slack.token, slack.hookUrl, servicenow.password],
      ...[basic(servicenow.username, servicenow.password), basic(jira.email, jira.token)],
    ],
    running: () => need(running),
    signer: () => need(signer),
    async start() {
      running = await startInstance({
        ...{ dataDir, config, chain },
        env: {
          ...engines.env,
          ...keys.env,
          SIGNING_NEXT: signing[1],
          SLACK_TOKEN: slack.token,
          SLACK_URL: slack.hookUrl,
          SNOW_USER: servicenow.username,
          SNOW_PASSWORD: servicenow.password,
          JIRA_EMAIL: jira.email,
          JIRA_TOKEN: jira.token,
        },
      })
      signer = await createSigner(payloads, keys, running.publicUrl)
    },
    async close() {
      await running?.stop(10_000).catch(() => running?.kill())
      await Promise.all(Object.values(fakes).map((fake) => fake.close()))
      await engines.clean()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const ends = new Set(['delivered', 'partial', 'dropped', 'dead'])

export const listAll = async (running: Running): Promise<readonly EventSummary[]> => {
  const all: EventSummary[] = []
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ limit: '1000', ...(cursor !== undefined && { cursor }) })
    const page: EventPage = await running.api('GET', `/v1/events?${query}`)
    all.push(...page.events)
    cursor = page.next
  } while (cursor !== undefined)
  return all
}

/** Waits until so many events are known and all have ended; tells which have not. */
export const allEnded = async (
  running: Running,
  count: number,
  withinMs = 60_000,
): Promise<readonly EventSummary[]> => {
  const until = performance.now() + withinMs
  for (;;) {
    const seen = await listAll(running)
    const open = seen.filter(({ status }) => !ends.has(status))
    if (seen.length >= count && open.length === 0) return seen
    if (performance.now() > until) {
      const some = open.map(({ id, source, type, status }) => `${id} ${source} ${type} ${status}`)
      throw new Error(
        `${seen.length} of ${count} events after ${withinMs} ms; not ended:\n${some.join('\n')}\n${running.output().slice(-4_000)}`,
      )
    }
    await sleep(150)
  }
}

export const storyOf = (running: Running, id: string): Promise<Story> =>
  running.api('GET', `/v1/events/${id}`)

/** Keys, values and headers of every record of every topic, as text. */
export const logText = async (engines: Engines, dataDir: string): Promise<string> => {
  const log = await engines.openLog(dataDir)
  const parts: string[] = []
  try {
    for (const { name } of topics())
      for (const { topic, partition, first, next } of await log.ends(name)) {
        if (first === next) continue
        for await (const record of log.read({ topic, partition, offset: first }, next))
          parts.push(
            `${record.key} ${JSON.stringify(record.headers)} ${Buffer.from(record.value ?? []).toString('latin1')}`,
          )
      }
  } finally {
    await log.close()
  }
  return parts.join('\n')
}

/** All that lies in the data folder, but for the token of the admin listener, which is kept there. */
export const folderText = async (dataDir: string): Promise<string> => {
  const files = await readdir(dataDir, { recursive: true, withFileTypes: true })
  const parts = files
    .filter((file) => file.isFile() && file.name !== 'admin-token')
    .map(async (file) => {
      const path = join(file.parentPath, file.name)
      return `${path}\n${(await readFile(path)).toString('latin1')}`
    })
  return (await Promise.all(parts)).join('\n')
}
