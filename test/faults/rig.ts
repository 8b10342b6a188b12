import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Instance, instanceFile } from '../../cli/client.ts'
import { redisServer, registryJar } from '../../scripts/servers/artifacts.ts'
import { type KafkaCluster, startKafka } from '../../scripts/servers/kafka.ts'
import { endProcess, startProcess, waitUntil } from '../../scripts/servers/process.ts'
import {
  pingRedis,
  pingRegistry,
  startRedis,
  startRegistry,
} from '../../scripts/servers/services.ts'
import { type ClickHouseFront, startClickHouseFront } from '../clickhouse-front/index.ts'
import { type Running, startInstance } from '../e2e/instance.ts'
import { type Receiver, startWebhookReceiver } from '../fakes/index.ts'

/** A server that is ended at once and comes back at its place. */
export interface Mortal {
  kill(): Promise<void>
  start(): Promise<void>
}

/** The whole product and every server it stands on, each of our own, so that each may be killed. */
export interface FaultRig {
  kafka: KafkaCluster
  redis: Mortal
  /** Comes back empty: its contents are in memory. */
  registry: Mortal
  clickhouse: ClickHouseFront
  sink: Receiver
  /** Secret that requests of a source are signed with. */
  secrets: Readonly<Record<SourceName, string>>
  running(): Running
  /** Starts the instance, and waits until it is ready. */
  start(): Promise<void>
  /**
   * Starts the instance while something is away: resolves as soon as it listens. `ready` resolves once
   * it is whole.
   */
  startAmidFault(): Promise<{ instance: Instance; ready: Promise<void> }>
  close(): Promise<void>
}

export const sourceNames = ['github', 'slack'] as const
export type SourceName = (typeof sourceNames)[number]

/** Apache Kafka's own: a leader that dies is missed for that long, three times Slack's patience. */
const sessionTimeoutMs = 9_000

const configOf = (sink: Receiver): string => `tenants:
  acme:
    sources:
      github: { provider: github, secrets: [env:SECRET_GITHUB] }
      slack: { provider: slack, secrets: [env:SECRET_SLACK] }
    destinations:
      sink:
        connector: webhook
        config: { url: "${sink.url}/sink" }
        secrets: { signing: env:SIGNING }
        allowPrivate: true
    routes:
      - { name: all, default: true, to: [sink] }
`

const mortalRedis = async (dir: string): Promise<Mortal & { url: string }> => {
  const first = await startRedis(dir)
  const { url } = first
  let server = first.process
  return {
    url,
    kill: () => endProcess(server, 0),
    async start() {
      server = await startProcess(
        await redisServer(),
        [
          ...['--port', new URL(url).port, '--bind', '127.0.0.1', '--dir', dir],
          ...['--appendonly', 'yes', '--save', '', '--daemonize', 'no'],
        ],
        { cwd: dir, log: join(dir, 'redis.log') },
      )
      await waitUntil('Redis', () => pingRedis(url), { timeoutMs: 15_000, servers: [server] })
    },
  }
}

const mortalRegistry = async (dir: string): Promise<Mortal & { url: string }> => {
  const first = await startRegistry(dir)
  const { url } = first
  let server = first.process
  return {
    url,
    kill: () => endProcess(server, 0),
    async start() {
      server = await startProcess(
        'java',
        [
          ...['-Xmx256m', '-XX:+UseSerialGC'],
          ...[`-Dquarkus.http.port=${new URL(url).port}`, '-Dquarkus.http.host=127.0.0.1'],
          ...['-Dquarkus.log.level=WARN', '-jar', await registryJar()],
        ],
        { cwd: dir, log: join(dir, 'registry.log') },
      )
      await waitUntil('Schema registry', () => pingRegistry(url), {
        timeoutMs: 60_000,
        servers: [server],
      })
    },
  }
}

/** The instance that listens now, unless it is one of before. */
const listening = async (dataDir: string, notPid: number | undefined): Promise<Instance> => {
  const until = performance.now() + 30_000
  for (;;) {
    try {
      const found = JSON.parse(await readFile(join(dataDir, instanceFile), 'utf8')) as Instance
      if (found.pid !== notPid) return found
    } catch {
      // Not written yet.
    }
    if (performance.now() > until) throw new Error('the instance does not listen after 30 s')
    await sleep(25)
  }
}

export const createFaultRig = async (): Promise<FaultRig> => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-faults-'))
  const closers: (() => Promise<unknown>)[] = [
    () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  ]
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close().catch(() => undefined)
  }
  const opened = <T>(value: T, close: (value: T) => Promise<unknown>): T => {
    closers.push(() => close(value))
    return value
  }
  try {
    const sink = opened(await startWebhookReceiver(), (each) => each.close())
    const clickhouse = opened(await startClickHouseFront(), (each) => each.close())
    const redis = opened(await mortalRedis(join(folder, 'redis')), (each) => each.kill())
    const registry = opened(await mortalRegistry(join(folder, 'registry')), (each) => each.kill())
    const kafka = opened(
      await startKafka({
        dir: join(folder, 'kafka'),
        config: {
          'broker.session.timeout.ms': String(sessionTimeoutMs),
          'broker.heartbeat.interval.ms': '2000',
        },
      }),
      (each) => each.down(),
    )
    const dataDir = join(folder, 'data')
    const config = join(folder, 'zenhook.yaml')
    await writeFile(config, configOf(sink))
    const secrets = {
      github: randomBytes(24).toString('hex'),
      slack: randomBytes(16).toString('hex'),
    }
    const env = {
      LOG_LEVEL: 'info',
      KAFKA_BROKERS: kafka.brokers.join(','),
      SCHEMA_REGISTRY_URL: registry.url,
      REDIS_URL: redis.url,
      CLICKHOUSE_URL: clickhouse.url,
      SECRET_GITHUB: secrets.github,
      SECRET_SLACK: secrets.slack,
      SIGNING: `whsec_${randomBytes(32).toString('base64')}`,
    }
    let running: Running | undefined
    const start = async (): Promise<void> => {
      running = await startInstance({ dataDir, config, chain: 'fused', env })
    }
    closers.push(async () => running?.kill())
    return {
      ...{ kafka, redis, registry, clickhouse, sink, secrets, start },
      running() {
        if (running === undefined) throw new Error('the instance was not started')
        return running
      },
      async startAmidFault() {
        const before = running?.pid
        const ready = start()
        ready.catch(() => undefined)
        const instance = await Promise.race([
          listening(dataDir, before),
          // It can only fail before it listens.
          ready.then(() => listening(dataDir, before)),
        ])
        return { instance, ready }
      },
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}
