import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs'
import { afterAll, describe, it } from 'vitest'
import { type KafkaCluster, startKafka } from '../../../scripts/servers/kafka.ts'
import { testServers } from '../../../test/servers.ts'
import { silentLogger } from '../../telemetry/index.ts'
import { type LogHarness, logContract } from '../contract.ts'
import type { Log } from '../port.ts'
import { createKafkaLog } from './index.ts'

/** Connections that can all be cut at once, as the death of a process cuts them. */
const createWire = (): { socketFactory: ISocketFactory; cut(): void } => {
  const sockets = new Set<Socket>()
  let isCut = false
  return {
    socketFactory: ({ host, port, onConnect }) => {
      // Nobody listens on port 1: what is dead connects no more.
      const socket = connect({ host, port: isCut ? 1 : port }, onConnect)
      socket.setNoDelay(true)
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    cut: () => {
      isCut = true
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}

const harnessOf = (brokers: readonly string[], cluster?: KafkaCluster): LogHarness => {
  const run = randomUUID().slice(0, 8)
  const prefix = `t${run}`
  const wires = new Map<Log, () => void>()
  const open = async (): Promise<Log> => {
    const { socketFactory, cut } = createWire()
    const log = createKafkaLog({
      brokers: [...brokers],
      prefix,
      logger: silentLogger,
      socketFactory,
      sessionTimeoutMs: 6_000,
      requestTimeoutMs: 1_500,
    })
    wires.set(log, cut)
    return log
  }
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  return {
    capabilities: {
      atomicSettle: false,
      multiProcess: true,
      survivesRestart: true,
      delayedRecords: false,
    },
    timeoutMs: 30_000,
    topic: (name) => `${name}.${run}`,
    open,
    restart: async (log) => {
      await log.close()
      return open()
    },
    // As Kafka sees it: every connection ends in the middle of whatever it carried, and none follows.
    crash: async (log) => {
      wires.get(log)?.()
      log.close().catch(() => undefined)
      return open()
    },
    trim: async (_log, topic, partition, until) => {
      await admin.connect()
      const full = `${prefix}.${topic}.v1`
      // kafkajs deletes only from topics whose leaders it has looked up before.
      await admin.fetchTopicOffsets(full)
      await admin.deleteTopicRecords({
        topic: full,
        partitions: [{ partition, offset: String(until) }],
      })
      await admin.disconnect()
    },
    // When Kafka compacts is its own affair; readers may see more than the newest, never less.
    compact: async () => undefined,
    ...(cluster !== undefined && {
      stallBroker: async (topic) => {
        const id = (await cluster.leaderOf(`${prefix}.${topic}.v1`, 0)) ?? 1
        cluster.stopBroker(id)
        await sleep(3_000)
        cluster.contBroker(id)
        return { heal: () => cluster.healthy(60_000) }
      },
      killLeader: async (topic, partition) => {
        const id = (await cluster.leaderOf(`${prefix}.${topic}.v1`, partition)) ?? 1
        await cluster.killBroker(id)
        return { heal: () => cluster.restartBroker(id) }
      },
    }),
    destroy: async () => {
      await admin.connect()
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${prefix}.`))
      if (topics.length > 0) await admin.deleteTopics({ topics })
      await admin.disconnect()
    },
  }
}

const { kafka, reason } = await testServers()
if (kafka === undefined)
  describe('log contract: kafka', () => {
    it.skip(`needs Kafka: ${reason}`, () => undefined)
  })
// The environment's brokers are not ours to stall and kill.
else if (process.env.KAFKA_BROKERS) logContract('kafka', harnessOf(kafka))
else {
  // Neither are those of the other suites, which run at the same time.
  const dir = await mkdtemp(join(tmpdir(), 'zenhook-kafka-contract-'))
  const cluster = await startKafka({ dir, heapMb: 256 })
  logContract('kafka', harnessOf(cluster.brokers, cluster))
  afterAll(async () => {
    await cluster.down()
    await rm(dir, { recursive: true, force: true })
  }, 60_000)
}
