import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type KafkaCluster, startKafka } from '../../../scripts/servers/kafka.ts'
import { testServers } from '../../../test/servers.ts'
import { messageOf } from '../../errors/index.ts'
import { silentLogger } from '../../telemetry/index.ts'
import { codeOf, text, textOf } from '../contract-harness.ts'
import { delayed, startDelays } from '../delay.ts'
import type { Gap, Log } from '../port.ts'
import { createKafkaLog, kafkaOptionsOf } from './index.ts'

const until = async (what: string, holds: () => boolean, limitMs = 30_000): Promise<void> => {
  const deadline = Date.now() + limitMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`)
    await sleep(10)
  }
}

describe('options from the environment', () => {
  it('are none without brokers', () => {
    expect(kafkaOptionsOf({ KAFKA_BROKERS: ' , ' })).toBeUndefined()
  })

  it('carry brokers, prefix, TLS and credentials', () => {
    expect(
      kafkaOptionsOf({
        KAFKA_BROKERS: 'a:1, b:2',
        KAFKA_TOPIC_PREFIX: 'p',
        KAFKA_SSL: 'true',
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        KAFKA_SASL_USERNAME: 'u',
        KAFKA_SASL_PASSWORD: 'w',
      }),
    ).toEqual({
      brokers: ['a:1', 'b:2'],
      prefix: 'p',
      ssl: true,
      sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'w' },
    })
  })

  it('say what is wrong, without the password', () => {
    const environment = { KAFKA_BROKERS: 'a:1', KAFKA_SASL_MECHANISM: 'magic' }
    expect(() => kafkaOptionsOf(environment)).toThrow(/needs KAFKA_SASL_USERNAME/)
    const login = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'hunter2' }
    expect(() => kafkaOptionsOf({ ...environment, ...login })).toThrow(/magic.*scram-sha-256/)
    expect(() => kafkaOptionsOf({ ...environment, ...login })).not.toThrow(/hunter2/)
  })
})

const { kafka, reason } = await testServers()

describe.skipIf(kafka === undefined)(
  `a broker of our own${reason ? ` (${reason})` : ''}`,
  {
    timeout: 90_000,
  },
  () => {
    const prefix = 'own'
    let cluster: KafkaCluster
    let log: Log
    let dir: string
    const open = (): Log =>
      createKafkaLog({
        brokers: cluster.brokers,
        prefix,
        logger: silentLogger,
        sessionTimeoutMs: 6_000,
        requestTimeoutMs: 1_500,
        appendTimeoutMs: 3_000,
      })
    const make = (name: string, maxMessageBytes = 2 ** 20): Promise<void> =>
      log.ensureTopics([{ name, partitions: 1, retentionMs: 86_400_000, maxMessageBytes }])

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'zenhook-kafka-'))
      cluster = await startKafka({ dir: join(dir, 'kafka'), nodes: 1, heapMb: 256 })
      log = open()
    }, 90_000)
    afterAll(async () => {
      await log?.close()
      await cluster?.down()
      await rm(dir, { recursive: true, force: true })
    }, 60_000)

    const withAdmin = async <T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>) => {
      const admin = new Kafka({ brokers: [...cluster.brokers], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      try {
        return await work(admin)
      } finally {
        await admin.disconnect()
      }
    }

    it('makes topics as specified', async () => {
      await make('spec', 123_456)
      const { resources } = await withAdmin((admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: 2, name: 'own.spec.v1' }],
        }),
      )
      const config = Object.fromEntries(
        (resources[0]?.configEntries ?? []).map((entry) => [entry.configName, entry.configValue]),
      )
      expect(config).toMatchObject({
        'retention.ms': '86400000',
        'max.message.bytes': '123456',
        'cleanup.policy': 'delete',
        'min.insync.replicas': '1',
      })
    })

    it('refuses the record that is too large, and stores its neighbours', async () => {
      await make('limit', 20_000)
      const sizes = [5_000, 5_000, 50_000, 5_000, 5_000, 5_000]
      const codes = await Promise.all(
        sizes.map((size) =>
          codeOf(log.append([{ topic: 'limit', key: 'k', value: new Uint8Array(size) }])),
        ),
      )
      expect(codes).toEqual(
        sizes.map((size) => (size > 20_000 ? 'ZENHOOK_LOG_RECORD_TOO_LARGE' : 'resolved')),
      )
      const stored: number[] = []
      for await (const record of log.read({ topic: 'limit', partition: 0, offset: 0 }))
        stored.push(record.value?.byteLength ?? 0)
      expect(stored).toEqual([5_000, 5_000, 5_000, 5_000, 5_000])
    })

    it('knows where the records of a time begin, in whatever order they lie', async () => {
      await make('timed')
      const now = Date.now()
      // As after an outage: what waited in a spool comes behind what is new.
      for (const ago of [90, 80, 10, 70, 60, 50, 9])
        await log.append([
          { topic: 'timed', key: 'k', value: new Uint8Array(1), timestamp: now - ago * 1_000 },
        ])
      const found = async (ago: number) => (await log.since?.('timed', now - ago * 1_000))?.get(0)
      expect(await Promise.all([99, 80, 55, 9, 1].map(found))).toEqual([0, 1, 2, 6, 7])
    })

    it('reports what retention takes from under a running consumer', async () => {
      await make('trimmed')
      const batch = Array.from({ length: 300 }, (_, index) => ({
        topic: 'trimmed',
        key: 'k',
        value: new Uint8Array(10_000).fill(index % 256),
      }))
      for (let round = 0; round < 3; round++) await log.append(batch)
      const gaps: Gap[] = []
      const seen: number[] = []
      let release = (): void => {}
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      const subscription = await log.subscribe(
        {
          group: 'trimmed',
          topics: ['trimmed'],
          maxRecords: 5,
          maxBytes: 200_000,
          onGap: (gap) => gaps.push(gap),
        },
        async (batch) => {
          seen.push(...batch.records.map(({ offset }) => offset))
          await held
          const last = batch.records.at(-1)
          if (last !== undefined) await batch.settle(last)
          return undefined
        },
      )
      await until('the first batch', () => seen.length > 0)
      await sleep(500)
      await withAdmin(async (admin) => {
        await admin.fetchTopicOffsets('own.trimmed.v1')
        await admin.deleteTopicRecords({
          topic: 'own.trimmed.v1',
          partitions: [{ partition: 0, offset: '800' }],
        })
      })
      release()
      await until('the end', () => seen.at(-1) === 899)
      await until('the gap', () => gaps.length > 0)
      const missing = Array.from({ length: 900 }, (_, offset) => offset).filter(
        (offset) => !seen.includes(offset),
      )
      expect(missing.length).toBeGreaterThan(100)
      // Exactly what never came is what was reported.
      const told = gaps.flatMap(({ offset, until: end }) =>
        Array.from({ length: end - offset }, (_, index) => offset + index),
      )
      expect(told).toEqual(missing)
      expect(seen).toEqual([...seen].sort((a, b) => a - b))
      await subscription.close()
      expect((await log.lag('trimmed')).reduce((sum, { records }) => sum + records, 0)).toBe(0)
    })

    it('brings delayed records through scaled tiers, also over a restart', async () => {
      const tiers = [
        { name: 'a', delayMs: 300 },
        { name: 'b', delayMs: 1_500 },
      ]
      const options = { tiers, topicOf: (name: string) => `wait.${name}` }
      for (const name of ['dispatch', 'wait.a', 'wait.b']) await make(name)
      const came = new Map<string, number>()
      const watch = await log.subscribe({ group: 'watch', topics: ['dispatch'] }, async (batch) => {
        for (const record of batch.records)
          if (!came.has(textOf(record))) came.set(textOf(record), Date.now())
        return undefined
      })
      const first = await startDelays(log, options)
      await Promise.all([watch.ready(), first.ready()])
      const began = Date.now()
      const waits = [200, 900, 2_500, 4_000]
      await log.append(
        waits.map((wait) => {
          const record = { topic: 'dispatch', key: 'k', value: text(String(wait)) }
          return delayed(log, record, began + wait, began, options)
        }),
      )
      await until('the first two', () => came.size >= 2)
      await first.close()
      const second = await startDelays(log, options)
      await until('all', () => came.size === waits.length)
      for (const wait of waits) {
        const at = came.get(String(wait)) ?? 0
        expect(at - began).toBeGreaterThanOrEqual(wait)
        expect(at - began).toBeLessThan(wait + 300 + 5_000)
      }
      await Promise.all([second.close(), watch.close()])
    })

    it('starts anew a consumer whose commit gets no answer', async () => {
      await make('silence')
      const original = Kafka.prototype.consumer
      let silent = 1
      const spy = vi.spyOn(Kafka.prototype, 'consumer').mockImplementation(function (
        this: Kafka,
        config,
      ) {
        const made = original.call(this, config)
        const { commitOffsets } = made
        made.commitOffsets = (offsets) =>
          silent-- > 0 ? new Promise(() => undefined) : commitOffsets(offsets)
        return made
      })
      try {
        const errors: string[] = []
        const subscription = await log.subscribe(
          {
            group: 'silence',
            topics: ['silence'],
            onError: (error) => errors.push(messageOf(error)),
          },
          async (batch) => {
            const last = batch.records.at(-1)
            if (last !== undefined) await batch.settle(last)
            return undefined
          },
        )
        await subscription.ready()
        await log.append([{ topic: 'silence', key: 'k', value: text('one') }])
        const behind = async (): Promise<number> =>
          (await log.lag('silence')).reduce((sum, { records }) => sum + records, 0)
        for (const limit = Date.now() + 30_000; (await behind()) > 0; await sleep(100))
          if (Date.now() > limit) throw new Error(`nothing is settled: ${errors.join('; ')}`)
        expect(errors).toContain('A commit has no answer after 3000 ms')
        await subscription.close()
      } finally {
        spy.mockRestore()
      }
    })

    /** What a group gets, and settles, from when it is ready. */
    const follow = async (group: string, topic: string) => {
      const values: string[] = []
      const subscription = await log.subscribe({ group, topics: [topic] }, async (batch) => {
        values.push(...batch.records.map(textOf))
        const last = batch.records.at(-1)
        if (last !== undefined) await batch.settle(last)
        return undefined
      })
      await subscription.ready()
      return { values, subscription }
    }
    const put = (topic: string, ...values: string[]) =>
      log.append(values.map((value) => ({ topic, key: 'k', value: text(value) })))

    it('reads a log that ends before what the group has settled from its beginning', async () => {
      await make('cut')
      await put('cut', 'one', 'two')
      const before = await follow('cut', 'cut')
      await until('the first two', () => before.values.length === 2)
      await before.subscription.close()
      await withAdmin((admin) =>
        admin.setOffsets({
          ...{ groupId: `${prefix}.cut`, topic: `${prefix}.cut.v1` },
          partitions: [{ partition: 0, offset: '5000' }],
        }),
      )
      const after = await follow('cut', 'cut')
      await put('cut', 'three')
      await until('all of it', () => after.values.includes('three'))
      expect(after.values).toEqual(['one', 'two', 'three'])
      // Closing lets the last commit finish.
      await after.subscription.close()
      expect(await log.lag('cut')).toMatchObject([{ offset: 3, records: 0 }])
    })

    it('goes on with a topic that was deleted and made anew while it was read', async () => {
      await make('anew')
      const reading = await follow('anew', 'anew')
      await put('anew', ...Array.from({ length: 50 }, (_, index) => String(index)))
      await until('the first fifty', () => reading.values.length === 50)
      await withAdmin((admin) => admin.deleteTopics({ topics: [`${prefix}.anew.v1`] }))
      await sleep(1_500)
      await vi.waitFor(() => make('anew'), { timeout: 30_000, interval: 500 })
      await put('anew', 'a', 'b', 'c')
      await until('those of the new topic', () => reading.values.length >= 53, 60_000)
      expect(new Set(reading.values.slice(50))).toEqual(new Set(['a', 'b', 'c']))
      await reading.subscription.close()
    })

    it('outlives its only broker: appends say so, consumers come back by themselves', async () => {
      await make('outage')
      const seen: string[] = []
      const errors: unknown[] = []
      const subscription = await log.subscribe(
        { group: 'outage', topics: ['outage'], onError: (error) => errors.push(error) },
        async (batch) => {
          const last = batch.records.at(-1)
          if (last !== undefined) await batch.settle(last)
          seen.push(...batch.records.map(textOf))
          return undefined
        },
      )
      await log.append([{ topic: 'outage', key: 'k', value: text('before') }])
      await until('before', () => seen.includes('before'))

      await cluster.killBroker(1)
      const early = open()
      expect(await codeOf(early.ping())).toBe('ZENHOOK_LOG_UNAVAILABLE')
      const late = await early.subscribe(
        { group: 'late', topics: ['outage'] },
        async () => undefined,
      )
      const began = Date.now()
      expect(await codeOf(log.append([{ topic: 'outage', key: 'k', value: text('lost') }]))).toBe(
        'ZENHOOK_LOG_UNAVAILABLE',
      )
      expect(Date.now() - began).toBeLessThan(5_000)
      expect(await codeOf(early.append([{ topic: 'outage', key: 'k', value: text('lost') }]))).toBe(
        'ZENHOOK_LOG_UNAVAILABLE',
      )
      // Long enough for kafkajs to give its consumer up.
      await sleep(8_000)
      await cluster.restartBroker(1)

      await early.append([{ topic: 'outage', key: 'k', value: text('early') }])
      await log.append([{ topic: 'outage', key: 'k', value: text('after') }])
      await until('after', () => seen.includes('after') && seen.includes('early'))
      await late.ready()
      await early.ping()
      await subscription.close()
      await early.close()
    })
  },
)
