import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { createCodec } from '../../core/event/codec/index.ts'
import type { Dead, Decision } from '../../core/event/index.ts'
import { createEmbeddedKv } from '../../core/kv/embedded/index.ts'
import { createEmbeddedLog } from '../../core/log/embedded/index.ts'
import type { StoredRecord } from '../../core/log/port.ts'
import { topicDefaults, topics } from '../../core/log/topics.ts'
import { createEgress } from '../../core/net/index.ts'
import { openStorage } from '../../core/storage/index.ts'
import { createMetrics, silentLogger } from '../../core/telemetry/index.ts'
import { cleanups } from '../../test/fakes/delivery.ts'
import {
  destinationOf,
  dispatchOf,
  eventOf,
  hash,
  registryOf,
  secretsOf,
} from '../../test/fakes/rig.ts'
import { collectGarbage } from '../../test/garbage.ts'
import { startDelivery } from '../deliver.ts'
import type { ConnectorKind } from '../types.ts'
import { webhookSpec } from '../webhook/index.ts'

const minute = 60_000
const day = 24 * 60 * minute
const mib = 2 ** 20
const heldLimit = 128 * mib

/** As the row has it, and as every run can afford it: fewer records that are larger. */
const size =
  process.env.ZENHOOK_FAULTS_LENGTH === 'full'
    ? { count: 100_000, outageMs: 2 * minute, retryMs: 20_000, bytes: 1_024, limitMs: 15 * minute }
    : { count: 3_000, outageMs: 6_000, retryMs: 2_000, bytes: 131_072, limitMs: 2 * minute }

/** What is held outside of the log: the heap, and the bytes that it points to. */
const heldBytes = (): number => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Delivery over the embedded engines, to a receiver of this process. */
const createRig = async (ordered: boolean, receive: (type: string) => boolean) => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-backlog-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const storage = openStorage(folder)
  const log = createEmbeddedLog({ storage })
  const kv = createEmbeddedKv({ storage })
  const codec = await createCodec({ schemas: await createFileSchemas() })
  const egress = createEgress({})
  cleanups.push(async () => {
    await egress.close()
    await log.close()
    await kv.close()
    await storage.close()
  })
  await log.ensureTopics(topics({ ...topicDefaults, partitions: 2 }))
  const connector: ConnectorKind = {
    spec: webhookSpec,
    create: () => ({
      deliver: async ({ dispatch }) =>
        receive(dispatch.event.type)
          ? { kind: 'delivered', status: 200 }
          : { kind: 'failed', reason: 'http_503', status: 503, retriable: true, error: 'down' },
    }),
  }
  const destination = destinationOf({
    config: { url: 'http://receiver.test/' },
    ordered,
    retry: { attempts: 100, delaysMs: Array(99).fill(size.retryMs) },
  })
  const delivery = await startDelivery({
    ...{ log, kv, codec, egress, hash, connectors: [connector] },
    registry: registryOf([destination]),
    secrets: secretsOf({}),
    metrics: createMetrics(),
    logger: silentLogger,
  })
  await delivery.ready()
  cleanups.push(() => delivery.close())
  async function* all(topic: string): AsyncIterable<StoredRecord> {
    for (const { partition, first } of await log.ends(topic))
      yield* log.read({ topic, partition, offset: first })
  }
  return {
    ...{ log, codec },
    async *decisions(): AsyncIterable<Decision> {
      for await (const { value } of all('decisions'))
        yield* (await codec.decode('decisions', value ?? new Uint8Array())).decisions
    },
    async *dead(): AsyncIterable<Dead> {
      for await (const { value } of all('dead'))
        yield await codec.decode('dead', value ?? new Uint8Array())
    },
  }
}

it.each([
  { ordered: false, what: 'each comes once' },
  { ordered: true, what: 'the oldest of a key comes first' },
])(
  `F48: ${size.count} events that wait out ${size.outageMs / 1_000} s lie in the log, not on the heap; $what, and what is too old is dead`,
  {
    timeout: size.limitMs,
  },
  async ({ ordered }) => {
    const { count, outageMs, bytes } = size
    const keys = count / 100
    const late = count / 100
    let down = true
    let attempts = 0
    let delivered = 0
    // In which place each arrived, by its number; nothing of the test itself grows on the heap.
    const places = new Int32Array(count).fill(-1)
    const rig = await createRig(ordered, (type) => {
      attempts += 1
      if (down) return false
      const number = Number(type.slice(2))
      expect(places[number]).toBe(-1)
      places[number] = delivered
      delivered += 1
      return true
    })
    const raw = Buffer.from(JSON.stringify('x'.repeat(bytes)))
    const send = (from: number, to: number, createdAt: number, mark = 'n') =>
      rig.log.append(
        Array.from({ length: to - from }, (_, index) => {
          const number = from + index
          const name = `${mark}${number % keys}`
          const event = eventOf({ raw, type: `${mark}.${number}`, ...(ordered && { key: name }) })
          const key = ordered ? { key: `acme/hooks/${name}` } : {}
          const dispatch = dispatchOf('hooks', { event, createdAt, ...key })
          const { id, tenant } = event
          return {
            ...{ topic: 'dispatch', key: dispatch.key, headers: { id, tenant } },
            value: rig.codec.encode('dispatch', dispatch),
          }
        }),
      )
    const base = heldBytes()
    const startedAt = Date.now()
    let most = 0
    const measure = (): void => {
      most = Math.max(most, heldBytes() - base)
    }
    // They expire in the course of it.
    await send(0, late, startedAt - day + outageMs / 4, 'late')
    const batch = count / 200
    for (let sent = 0; sent < count; sent += batch) {
      await send(sent, sent + batch, Date.now())
      if (sent % (20 * batch) === 0) measure()
      await sleep(outageMs / 400)
    }
    await sleep(Math.max(0, startedAt + outageMs - Date.now()))
    measure()
    const whileDown = attempts
    // The breaker asks now and then, whatever waits.
    expect(whileDown).toBeGreaterThan(1)
    expect(whileDown).toBeLessThan(count / 4)
    expect(delivered).toBe(0)

    down = false
    const healedAt = Date.now()
    while (delivered < count) {
      await sleep(1_000)
      measure()
    }
    const drainMs = Date.now() - healedAt
    console.info(
      `F48: ${count} of ${bytes} bytes (${Math.round((count * bytes) / mib)} MiB) waited ${outageMs / 1_000} s: at most ${Math.round(most / mib)} MiB held, ${whileDown} attempts while it failed, ${late} expired; drained in ${Math.round(drainMs / 1_000)} s`,
    )
    // What waits for a place is bounded by bytes, and so is what the log has at hand; the rest is on disk.
    expect(most).toBeLessThan(heldLimit)
    // The oldest of a key first where that is asked for; else each has its own moment to come back.
    if (ordered)
      for (let key = 0; key < keys; key += 1) {
        const mine = places.filter((_, number) => number % keys === key)
        expect(mine).toEqual(mine.toSorted())
      }
    const endings = async (): Promise<Record<string, number>> => {
      const found: Record<string, number> = {}
      for await (const { verdict } of rig.decisions()) found[verdict] = (found[verdict] ?? 0) + 1
      return found
    }
    // What was delivered last is written a moment later.
    await expect.poll(endings, { timeout: 20_000 }).toMatchObject({ delivered: count, dead: late })
    let expired = 0
    for await (const { code, original } of rig.dead()) {
      expect(code).toBe('ZENHOOK_CONNECTOR_EXPIRED')
      expect(original.length).toBeGreaterThan(bytes)
      expired += 1
    }
    expect(expired).toBe(late)
  },
)
