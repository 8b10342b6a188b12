import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testServers } from '../../test/servers.ts'
import { createChdbDecisions } from '../decisions/chdb/index.ts'
import type { Decisions } from '../decisions/port.ts'
import { createMemoryKv } from '../kv/memory/index.ts'
import { createKafkaLog } from '../log/kafka/index.ts'
import { silentLogger } from '../telemetry/index.ts'
import { accountingOf, eventOf, startRig } from './testing/index.ts'

const { kafka: brokers, reason } = await testServers()
if (brokers === undefined) console.info(`skipped: accounting on Kafka: ${reason ?? 'no Kafka'}`)

describe.skipIf(brokers === undefined)('accounting on Kafka', { timeout: 240_000 }, () => {
  const prefix = `acc${randomUUID().slice(0, 8)}`
  let folder: string
  let decisions: Decisions
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zenhook-accounting-'))
    decisions = await createChdbDecisions({ folder })
    await decisions.ensureTables()
  })
  afterAll(async () => {
    const admin = new Kafka({ brokers: brokers ?? [], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${prefix}.`))
    if (topics.length > 0) await admin.deleteTopics({ topics })
    await admin.disconnect()
    await decisions.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('ends, retries and waits are told apart, and what is lost is named', async () => {
    const log = createKafkaLog({ brokers: brokers ?? [], prefix, logger: silentLogger })
    const kv = createMemoryKv()
    let lost: string | undefined
    const rig = await startRig({
      ...{ log, kv, decisions },
      drop: ({ topic, headers }) => {
        if (lost !== undefined || topic !== 'dispatch' || headers?.type !== 'note') return false
        lost = headers.id
        return true
      },
      // Retries lie in the delay tiers, and what comes behind them hops there undecided.
      answer: (destination) =>
        destination === 'slow'
          ? {
              ...{ kind: 'failed', reason: 'http_429', status: 429, retriable: true, error: 'no' },
              retryAfterMs: 3_600_000,
            }
          : { kind: 'delivered', status: 200 },
    })
    const accounting = accountingOf(rig, { kv, decisions })
    try {
      await rig.receive(
        ...Array.from({ length: 300 }, () => eventOf()),
        ...Array.from({ length: 20 }, () => eventOf({ type: 'both' })),
        ...Array.from({ length: 10 }, () => eventOf({ type: 'nowhere' })),
        eventOf({ type: 'slow' }),
      )
      const open = async () => (await accounting.run())?.open
      await expect
        .poll(open, { timeout: 90_000, interval: 500 })
        .toMatchObject({ pending: 0, retrying: 1 })
      await rig.receive(...Array.from({ length: 3 }, () => eventOf({ type: 'slow' })))
      await expect
        .poll(open, { timeout: 90_000, interval: 500 })
        .toMatchObject({ pending: 0, retrying: 1, waiting: 3 })
      const report = await accounting.run()
      expect(report).toMatchObject({
        ended: { delivered: 319, partial: 0, dropped: 10, dead: 0 },
        unaccounted: 1,
        missedRecords: 0,
      })
      expect(lost).toBeDefined()
      expect(report?.named).toMatchObject([{ id: lost, cause: 'dispatch_lost' }])
    } finally {
      await accounting.close()
      await rig.close()
      await log.close()
      await kv.close()
    }
  })
})
