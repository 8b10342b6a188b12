import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Instance, instanceFile } from '../../cli/client.ts'
import { type KafkaCluster, startKafka } from '../../scripts/servers/kafka.ts'
import { isAlive } from '../../scripts/servers/process.ts'
import { type ClickHouseFront, startClickHouseFront } from '../clickhouse-front/index.ts'
import { type Running, startInstance } from '../e2e/instance.ts'
import { configOf, makeTargets, secretsEnv, type Targets } from './config.ts'
import { type Mortal, mortalRedis, mortalRegistry } from './servers.ts'
import { type Sink, startSink } from './sink.ts'
import { openWire, type Wire } from './wire.ts'

export interface InstanceOptions {
  chain?: 'fused' | 'split'
  roles?: string
  /** Its connections to the brokers go through the proxies. */
  wired?: boolean
  env?: Readonly<Record<string, string>>
  /** Of another instance: a folder that is there already. */
  dataDir?: string
  /** How long it may take until it is ready. */
  startMs?: number
}

export interface RigOptions {
  /** Small controllers apart from the brokers, which are their own by default. */
  controllers?: number
}

/** The whole product and every server it stands on, each of our own, so that each may be killed. */
export interface FaultRig {
  folder: string
  kafka: KafkaCluster
  redis: Mortal
  registry: Mortal
  clickhouse: ClickHouseFront
  sink: Sink
  wire: Wire
  targets: Targets
  /** What the instance is started with. */
  configText: string
  /** The instance of now. */
  running(): Running
  /** Starts it anew, the one before being gone, and waits until it is ready. */
  start(options?: InstanceOptions): Promise<Running>
  /** Ends it in order, and starts it with other options. */
  restart(options?: InstanceOptions): Promise<Running>
  /**
   * Starts it while something is away: resolves as soon as it listens. `ready` resolves once it is whole.
   */
  startAmidFault(): Promise<{ instance: Instance; ready: Promise<unknown> }>
  /** Another instance beside it, with a data folder of its own; it ends with the row. */
  another(options?: InstanceOptions): Promise<Running>
  /** Ends those beside it. */
  endOthers(): Promise<void>
  /** Whether the instance of now says that it is whole. */
  isReady(): Promise<boolean>
  /** Everything is up again and as it was at first. */
  heal(): Promise<void>
  close(): Promise<void>
}

/** Apache Kafka's own: a leader that dies is missed for that long, three times Slack's patience. */
const sessionTimeoutMs = 9_000
const endGraceMs = 20_000
/** What is away while it starts may be away for minutes. */
const amidFaultMs = 600_000

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

const isWell = async ({ publicUrl }: Running): Promise<boolean> => {
  try {
    return (await fetch(`${publicUrl}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok
  } catch {
    return false
  }
}

const isPlain = ({ chain, roles, wired, env }: InstanceOptions): boolean =>
  chain !== 'split' && roles === undefined && wired !== true && env === undefined

export const createFaultRig = async (options: RigOptions = {}): Promise<FaultRig> => {
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
    const sink = opened(await startSink(), (each) => each.close())
    const clickhouse = opened(await startClickHouseFront(), (each) => each.close())
    const redis = opened(await mortalRedis(join(folder, 'redis')), (each) => each.kill())
    const registry = opened(await mortalRegistry(join(folder, 'registry')), (each) => each.kill())
    const kafka = opened(
      await startKafka({
        dir: join(folder, 'kafka'),
        ...options,
        config: {
          'broker.session.timeout.ms': String(sessionTimeoutMs),
          'broker.heartbeat.interval.ms': '2000',
        },
      }),
      (each) => each.down(),
    )
    const wire = opened(await openWire(kafka.brokers), (each) => each.close())
    const dataDir = join(folder, 'data')
    const config = join(folder, 'zenhook.yaml')
    const targets = makeTargets()
    const configText = configOf(sink.url, targets)
    await writeFile(config, configText)
    const env = {
      LOG_LEVEL: 'info',
      ...(process.env.ZENHOOK_USE_DIST === '1' && { ZENHOOK_USE_DIST: '1' }),
      SCHEMA_REGISTRY_URL: registry.url,
      REDIS_URL: redis.url,
      CLICKHOUSE_URL: clickhouse.url,
      SIGNING: `whsec_${randomBytes(32).toString('base64')}`,
      ...secretsEnv(targets),
    }
    const launch = (folderOfData: string, options: InstanceOptions): Promise<Running> => {
      const { chain = 'fused', roles, wired = false, env: more, startMs } = options
      const brokers = wired ? wire.addresses : kafka.brokers
      return startInstance({
        ...{ dataDir: folderOfData, config, chain },
        ...(roles !== undefined && { roles }),
        ...(startMs !== undefined && { startMs }),
        env: { ...env, KAFKA_BROKERS: brokers.join(','), ...more },
      })
    }
    let running: Running | undefined
    let present: InstanceOptions = {}
    const others: Running[] = []
    const start = async (options: InstanceOptions = {}): Promise<Running> => {
      present = options
      running = await launch(dataDir, options)
      return running
    }
    const end = async (): Promise<void> => {
      const one = running
      if (one === undefined) return
      await one.stop(endGraceMs).catch(() => one.kill())
    }
    closers.push(async () => running?.kill())
    closers.push(() => Promise.all(others.map((each) => each.kill())))
    const rig: FaultRig = {
      ...{ folder, kafka, redis, registry, clickhouse, sink, wire, targets, configText, start },
      running() {
        if (running === undefined) throw new Error('the instance was not started')
        return running
      },
      async restart(options) {
        await end()
        return start(options)
      },
      async startAmidFault() {
        const before = running?.pid
        const ready = start({ startMs: amidFaultMs })
        ready.catch(() => undefined)
        const instance = await Promise.race([
          listening(dataDir, before),
          // It can only fail before it listens.
          ready.then(() => listening(dataDir, before)),
        ])
        return { instance, ready }
      },
      async another(options = {}) {
        const own = join(folder, `data-${others.length}-${Date.now()}`)
        const one = await launch(options.dataDir ?? own, options)
        others.push(one)
        return one
      },
      async endOthers() {
        const ending = others.splice(0)
        await Promise.all(ending.map((one) => one.stop(endGraceMs).catch(() => one.kill())))
      },
      isReady: async () => running !== undefined && isWell(running),
      async heal() {
        wire.calm()
        sink.fault = undefined
        sink.answers.clear()
        await Promise.all(
          kafka.state.controllers?.map(({ id }) => kafka.restartController(id)) ?? [],
        )
        for (const { id } of kafka.state.nodes) kafka.contBroker(id)
        const dead = kafka.state.nodes.filter((node) => !isAlive(node.process))
        await Promise.all(dead.map(({ id }) => kafka.restartBroker(id)))
        await kafka.healthy()
        for (const server of [redis, registry]) if (!server.alive()) await server.start()
        clickhouse.resume()
        if (clickhouse.pid === 0) await clickhouse.start()
        await rig.endOthers()
        if (running !== undefined && isPlain(present) && (await isWell(running))) return
        await end()
        await start()
      },
      close: closeAll,
    }
    return rig
  } catch (error) {
    await closeAll()
    throw error
  }
}
