import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, describe, it } from 'vitest'
import { testServers } from '../../test/servers.ts'
import { createCodec } from '../event/codec/codec.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { createEmbeddedLog } from '../log/embedded/index.ts'
import { createKafkaLog } from '../log/kafka/index.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import type { Log } from '../log/port.ts'
import { topics } from '../log/topics.ts'
import { openStorage } from '../storage/index.ts'
import { silentLogger } from '../telemetry/index.ts'
import { registryContract } from './contract.ts'

const withTopic = async <L extends Log>(log: L): Promise<L> => {
  await log.ensureTopics(topics().filter(({ name }) => name === 'registry'))
  return log
}
const codec = await createCodec({ schemas: await createFileSchemas() })

registryContract('the memory log', {
  timeoutMs: 2_000,
  open: async () => ({ log: await withTopic(createMemoryLog()), codec }),
  // It compacts as it appends.
  compact: async () => undefined,
  close: (log) => log.close(),
})

const closers = new WeakMap<Log, () => Promise<void>>()
registryContract('the embedded log', {
  timeoutMs: 5_000,
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'zenhook-registry-log-'))
    const storage = openStorage(folder)
    const log = await withTopic(createEmbeddedLog({ storage }))
    closers.set(log, async () => {
      await log.close()
      await storage.close()
      await rm(folder, { recursive: true, force: true })
    })
    return { log, codec }
  },
  compact: async () => undefined,
  close: async (log) => closers.get(log)?.(),
})

const { kafka: brokers, reason } = await testServers()
if (brokers === undefined) {
  describe('registry over Kafka', () => {
    it.skip(`needs Kafka: ${reason}`, () => undefined)
  })
} else {
  const prefix = `registry-${randomUUID().slice(0, 8)}`
  let opened = 0
  const connect = (): Log =>
    createKafkaLog({ brokers, prefix: `${prefix}-${opened}`, logger: silentLogger })
  registryContract('Kafka', {
    timeoutMs: 30_000,
    async open() {
      opened += 1
      return { log: await withTopic(connect()), codec }
    },
    another: async () => connect(),
    close: (log) => log.close(),
  })
  afterAll(async () => {
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const made = (await admin.listTopics()).filter((name) => name.startsWith(prefix))
    if (made.length > 0) await admin.deleteTopics({ topics: made })
    await admin.disconnect()
  }, 60_000)
}
