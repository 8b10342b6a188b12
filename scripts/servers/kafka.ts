import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaClassPath, tool } from './artifacts.ts'
import {
  endProcess,
  freePorts,
  type ServerProcess,
  signal,
  startProcess,
  waitUntil,
} from './process.ts'
import {
  type SecureListener,
  scramArguments,
  secureAddress,
  secureLines,
  secureProtocol,
} from './secure.ts'

export interface KafkaOptions {
  /** Folder of its own for everything; made if missing. */
  dir: string
  /** Brokers; each is a controller as well, unless those are apart. */
  nodes?: number
  /** Small controllers in processes of their own: a quorum that can be lost while every broker is up. */
  controllers?: number
  /** `min.insync.replicas`; 2 with three nodes, else 1. */
  minInsyncReplicas?: number
  heapMb?: number
  /** The nodes outlive this process; by default they end with it. */
  keep?: boolean
  /** Called as soon as the nodes have processes, before they are ready. */
  onStart?: (state: KafkaState) => void
  /** With another listener on every node, over TLS and with a login. */
  secure?: SecureListener
  /** More or other lines of `server.properties`. */
  config?: Readonly<Record<string, string>>
}

export interface KafkaNode {
  id: number
  port: number
  /** Of the listener over TLS, where one is asked for. */
  securePort?: number
  /** Absent where the controllers are apart. */
  controllerPort?: number
  process: ServerProcess
}

/** A controller that is no broker. */
export interface KafkaController {
  id: number
  controllerPort: number
  process: ServerProcess
}

/** Everything that is needed to find and handle a running cluster again: plain JSON. */
export interface KafkaState {
  dir: string
  heapMb: number
  nodes: KafkaNode[]
  /** Those apart from the brokers. */
  controllers?: KafkaController[]
}

export interface KafkaCluster {
  readonly state: KafkaState
  /** host:port of every node. */
  readonly brokers: readonly string[]
  /** Node that leads a partition now; undefined while none does. */
  leaderOf(topic: string, partition: number): Promise<number | undefined>
  /** kill -9; resolves once the process is gone. */
  killBroker(id: number): Promise<void>
  /** SIGTERM: a clean shutdown that hands leadership over first. */
  shutBroker(id: number): Promise<void>
  /** SIGSTOP: the process keeps its sockets and answers nothing. */
  stopBroker(id: number): void
  contBroker(id: number): void
  /** Starts a node that is down (or goes on with a stopped one); resolves once all replicas are in sync again. */
  restartBroker(id: number): Promise<void>
  /** The same for the controllers apart, by their ids in the state. */
  killController(id: number): Promise<void>
  stopController(id: number): void
  contController(id: number): void
  /** Starts a controller that is down (or goes on with a stopped one); resolves once it has a process. */
  restartController(id: number): Promise<void>
  /** Resolves once all nodes are registered and every partition has all of its replicas in sync. */
  healthy(timeoutMs?: number): Promise<void>
  /** Ends the nodes and removes the data. */
  down(): Promise<void>
}

const javaAdvice = 'install a Java runtime of version 17 or later'

const controllerHeapMb = 96
// Far from those of the brokers: they share one space of numbers.
const firstControllerId = 101

/** What a node is to be: its ports say which roles it has. */
interface PlannedNode {
  id: number
  port?: number
  securePort?: number
  controllerPort?: number
}

const listenersOf = ({ port, securePort, controllerPort }: PlannedNode): Record<string, string> => {
  const plain = port === undefined ? undefined : `PLAINTEXT://127.0.0.1:${port}`
  const secure = securePort === undefined ? undefined : secureAddress(securePort)
  const controller =
    controllerPort === undefined ? undefined : `CONTROLLER://127.0.0.1:${controllerPort}`
  const present = (...parts: (string | undefined)[]): string =>
    parts.filter((part) => part !== undefined).join(',')
  return {
    'process.roles': present(plain && 'broker', controller && 'controller'),
    listeners: present(plain, secure, controller),
    ...(plain !== undefined && {
      'advertised.listeners': present(plain, secure),
      'inter.broker.listener.name': 'PLAINTEXT',
    }),
  }
}

const properties = (
  options: KafkaOptions,
  nodes: readonly PlannedNode[],
  node: PlannedNode,
): string => {
  const replicas = Math.min(3, nodes.filter(({ port }) => port !== undefined).length)
  const insync = options.minInsyncReplicas ?? Math.min(2, replicas)
  const lines: Record<string, string | number> = {
    ...listenersOf(node),
    'node.id': node.id,
    'controller.quorum.voters': nodes
      .filter(({ controllerPort }) => controllerPort !== undefined)
      .map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`)
      .join(','),
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${secureProtocol}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(options.dir, `node-${node.id}`),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': insync,
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 500,
    'controller.quorum.election.timeout.ms': 800,
    'group.initial.rebalance.delay.ms': 0,
    // Consumers of tests may be given up sooner than the six seconds that Kafka insists on.
    'group.min.session.timeout.ms': 1_000,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': insync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': insync,
    'log.retention.check.interval.ms': 2_000,
    'log.segment.delete.delay.ms': 1_000,
    ...(options.secure !== undefined && secureLines(options.secure)),
    ...options.config,
  }
  return `${Object.entries(lines)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`
}

const startNode = async (dir: string, heapMb: number, id: number): Promise<ServerProcess> =>
  startProcess(
    'java',
    [
      `-Xmx${heapMb}m`,
      '-XX:+UseSerialGC',
      '-Dlog4j2.level=WARN',
      '-cp',
      await kafkaClassPath(),
      'kafka.Kafka',
      join(dir, `node-${id}.properties`),
    ],
    { cwd: dir, log: join(dir, `node-${id}.log`) },
  )

const format = async (
  dir: string,
  id: number,
  clusterId: string,
  more: readonly string[],
): Promise<void> => {
  await tool(
    'java',
    [
      '-Xmx128m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-cp',
      await kafkaClassPath(),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      join(dir, `node-${id}.properties`),
      ...more,
    ],
    { cwd: dir, advice: javaAdvice },
  )
}

/** Starts a cluster of our own and resolves once it takes records and groups. */
export const startKafka = async (options: KafkaOptions): Promise<KafkaCluster> => {
  const { dir, heapMb = 384, nodes: count = 3, controllers: apart = 0, secure } = options
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const controlling = apart === 0 ? count : apart
  const ports = await freePorts(count + controlling + (secure === undefined ? 0 : count))
  const controllerPortOf = (index: number): number => ports[count + index] ?? 0
  const brokers = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    port: ports[index] ?? 0,
    ...(secure !== undefined && { securePort: ports[count + controlling + index] ?? 0 }),
    ...(apart === 0 && { controllerPort: controllerPortOf(index) }),
  }))
  const quorum = Array.from({ length: apart }, (_, index) => ({
    id: firstControllerId + index,
    controllerPort: controllerPortOf(index),
  }))
  const plan: readonly PlannedNode[] = [...quorum, ...brokers]
  for (const node of plan)
    await writeFile(join(dir, `node-${node.id}.properties`), properties(options, plan, node))
  const clusterId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')
  // A leading dash would be read as a flag of the tool.
  const safeId = clusterId.replace(/^-/, 'A')
  const more = secure === undefined ? [] : scramArguments(secure)
  await Promise.all(plan.map(({ id }) => format(dir, id, safeId, more)))
  const controllers: KafkaController[] = []
  for (const node of quorum)
    controllers.push({ ...node, process: await startNode(dir, controllerHeapMb, node.id) })
  const nodes: KafkaNode[] = []
  for (const node of brokers)
    nodes.push({ ...node, process: await startNode(dir, heapMb, node.id) })
  const state: KafkaState = { dir, heapMb, nodes, ...(apart > 0 && { controllers }) }
  options.onStart?.(state)
  if (options.keep !== true)
    process.once('exit', () => {
      for (const node of [...nodes, ...controllers]) signal(node.process, 'SIGKILL')
    })
  const cluster = attachKafka(state)
  try {
    await cluster.healthy(60_000)
  } catch (error) {
    await cluster.down()
    throw error
  }
  return cluster
}

/** Handles a cluster that runs already; `save` hears of every process that changes. */
export const attachKafka = (
  state: KafkaState,
  save: (state: KafkaState) => Promise<void> = () => Promise.resolve(),
): KafkaCluster => {
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
  const brokers = state.nodes.map(({ port }) => `127.0.0.1:${port}`)
  const { controllers = [] } = state
  const one = <T extends { id: number }>(nodes: readonly T[], id: number): T => {
    const node = nodes.find((each) => each.id === id)
    if (node === undefined) throw new Error(`No node ${id}`)
    return node
  }
  const nodeOf = (id: number): KafkaNode => one(state.nodes, id)
  const controllerOf = (id: number): KafkaController => one(controllers, id)
  const processes = (): ServerProcess[] =>
    [...state.nodes, ...controllers].map((node) => node.process)
  /** Goes on with a stopped one, starts one that is down. */
  const revive = async (node: KafkaNode | KafkaController, heapMb: number): Promise<void> => {
    if (signal(node.process, 'SIGCONT')) return
    node.process = await startNode(state.dir, heapMb, node.id)
    await save(state)
    await sleep(200)
  }
  const withAdmin = async <T>(
    work: (admin: ReturnType<Kafka['admin']>) => Promise<T>,
  ): Promise<T> => {
    const kafka = new Kafka({
      clientId: 'zenhook-servers',
      brokers: [...brokers],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1_000,
      requestTimeout: 5_000,
      retry: { retries: 2, initialRetryTime: 50 },
    })
    const admin = kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
  const isWhole = (): Promise<boolean> =>
    withAdmin(async (admin) => {
      const { brokers: seen, controller } = await admin.describeCluster()
      if (seen.length < state.nodes.length || controller === null || controller < 0) return false
      // Makes the offsets topic and waits for a coordinator, so that the first group does not.
      await admin.describeGroups(['zenhook-servers-ready'])
      const { topics } = await admin.fetchTopicMetadata()
      return topics.every(({ partitions }) =>
        partitions.every(
          ({ leader, isr, replicas }) => leader >= 0 && isr.length === replicas.length,
        ),
      )
    })
  const healthy = (timeoutMs = 60_000): Promise<void> =>
    waitUntil('Kafka', isWhole, {
      timeoutMs,
      servers: processes(),
    })
  const cluster: KafkaCluster = {
    state,
    brokers,
    healthy,
    leaderOf: (topic, partition) =>
      withAdmin(async (admin) => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        const found = topics[0]?.partitions.find((one) => one.partitionId === partition)
        return found === undefined || found.leader < 0 ? undefined : found.leader
      }),
    killBroker: (id) => endProcess(nodeOf(id).process, 0),
    shutBroker: (id) => endProcess(nodeOf(id).process, 20_000),
    stopBroker: (id) => {
      signal(nodeOf(id).process, 'SIGSTOP')
    },
    contBroker: (id) => {
      signal(nodeOf(id).process, 'SIGCONT')
    },
    restartBroker: async (id) => {
      await revive(nodeOf(id), state.heapMb)
      await healthy()
    },
    killController: (id) => endProcess(controllerOf(id).process, 0),
    stopController: (id) => {
      signal(controllerOf(id).process, 'SIGSTOP')
    },
    contController: (id) => {
      signal(controllerOf(id).process, 'SIGCONT')
    },
    restartController: (id) => revive(controllerOf(id), controllerHeapMb),
    down: async () => {
      await Promise.all(processes().map((each) => endProcess(each, 0)))
      await rm(state.dir, { recursive: true, force: true })
    },
  }
  return cluster
}
