import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { testServers } from '../../../test/servers.ts'
import { silentLogger } from '../../telemetry/index.ts'
import { createKafkaLog } from './index.ts'
import { createKafkaPublisher } from './publisher.ts'

const { kafka: brokers, reason } = await testServers()

describe('Kafka publisher without brokers', () => {
  it('refuses the topics of its own prefix, and no others', async () => {
    const publisher = createKafkaPublisher({
      ...{ brokers: ['127.0.0.1:1'], logger: silentLogger, appendTimeoutMs: 100 },
      prefix: 'hooks',
    })
    const publish = (topic: string) => publisher.publish(topic, null, {}, new Uint8Array())
    for (const name of ['registry', 'received', 'dispatch.retry.5s']) {
      await expect(publish(`hooks.${name}.v1`)).rejects.toMatchObject({
        code: 'ZENHOOK_LOG_TOPIC_RESERVED',
        retriable: false,
      })
    }
    await expect(publish('zenhook.registry.v1')).rejects.toMatchObject({
      code: 'ZENHOOK_LOG_UNAVAILABLE',
    })
    await publisher.close()
  })
})

describe.skipIf(brokers === undefined)(
  `Kafka publisher${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const options = { brokers: brokers ?? [], logger: silentLogger }
    const publisher = createKafkaPublisher({ ...options, prefix: 'zenhook' })
    // A topic of the log's own names is a user's topic under its full name.
    const prefix = `publisher-${randomUUID().slice(0, 8)}`
    const log = createKafkaLog({ ...options, prefix })
    afterAll(async () => {
      await publisher.close()
      await log.close()
    })

    it('puts a record on a topic by its own name, with key and headers', async () => {
      await log.ensureTopics([
        { name: 'ci', partitions: 3, retentionMs: 60_000, maxMessageBytes: 100_000 },
      ])
      const value = new TextEncoder().encode('{"ok":true}')
      const at = await publisher.publish(`${prefix}.ci.v1`, 'k', { ce_type: 'push' }, value)
      const found = []
      for await (const record of log.read({ topic: 'ci', ...at })) found.push(record)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatchObject({ key: 'k', headers: { ce_type: 'push' } })
      expect(Buffer.from(found[0]?.value ?? []).toString()).toBe('{"ok":true}')
    })

    it('says that a topic does not exist', async () => {
      await expect(
        publisher.publish(`${prefix}.none`, null, {}, new Uint8Array()),
      ).rejects.toMatchObject({ code: 'ZENHOOK_LOG_UNKNOWN_TOPIC' })
    })

    it('refuses a secret that is no username and password, without showing it', async () => {
      const refused = publisher.publish(`${prefix}.ci.v1`, null, {}, new Uint8Array(), {
        sasl: 'canary',
      })
      await expect(refused).rejects.toMatchObject({ code: 'ZENHOOK_LOG_UNAVAILABLE' })
      await expect(refused).rejects.not.toThrow(/canary/)
    })
  },
)
