import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import { answersAll, type Row } from '../row.ts'
import { takesRequests } from './ready.ts'

const minute = 60_000

const withRedis = async <T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> => {
  const client = new Redis(url)
  try {
    return await work(client)
  } finally {
    client.disconnect()
  }
}

const redisDown: Row = {
  ids: ['F33'],
  title: 'Redis is killed, slow, full and without its scripts',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const { url } = rig.redis
    const eachMs = pick(3_000, 20_000)
    const sending = load()
    await sleep(1_000)
    await rig.redis.kill()
    await sleep(eachMs)
    await rig.redis.start()
    await sleep(2_000)
    // Its one thread sleeps: every client waits.
    const slept = withRedis(url, (client) => client.call('DEBUG', 'SLEEP', String(eachMs / 1_000)))
    await sleep(eachMs + 1_000)
    await slept
    await withRedis(url, (client) => client.config('SET', 'maxmemory', '1mb'))
    await sleep(eachMs)
    await withRedis(url, async (client) => {
      await client.config('SET', 'maxmemory', '0')
      await client.call('SCRIPT', 'FLUSH')
    })
    await sleep(2_000)
    const lines = await sending.stop()
    const found = await holds('Redis killed, asleep, full, scripts flushed', lines, {
      faultMs: 3 * eachMs,
    })
    answersAll(sending)
    expect(found.statuses[503]).toBeUndefined()
  },
}

const clickhouseDown: Row = {
  ids: ['F35'],
  title: 'ClickHouse is killed, stalls, and comes back',
  limitMs: { ci: 6 * minute, full: 12 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const awayMs = pick(8_000, 5 * minute)
    const sending = load()
    await sleep(1_000)
    await rig.clickhouse.kill()
    const before = rig.sink.deliveries().length
    await sleep(awayMs)
    // The pipeline does not wait for its decisions to be stored.
    expect(rig.sink.deliveries().length).toBeGreaterThan(before + 100)
    await rig.clickhouse.start()
    await sleep(1_000)
    rig.clickhouse.stall()
    await sleep(pick(3_000, 20_000))
    rig.clickhouse.resume()
    const lines = await sending.stop()
    const found = await holds(`ClickHouse killed for ${awayMs / 1_000} s, then stalled`, lines, {
      faultMs: awayMs,
    })
    answersAll(sending)
    expect(found.duplicates).toBe(0)
  },
}

const registryDown: Row = {
  ids: ['F37'],
  title: 'the schema registry is away, and then at a start too',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const awayMs = pick(2_000, minute)
    await rig.registry.kill()
    const sending = load()
    await sleep(awayMs)
    const lines = await sending.stop()
    answersAll(sending)
    await rig.running().kill()
    const { instance, ready } = await rig.startAmidFault()
    await takesRequests(instance.publicUrl)
    const after = load({ publicUrl: () => instance.publicUrl })
    await sleep(awayMs)
    const linesAfter = await after.stop()
    answersAll(after)
    await rig.registry.start()
    await ready
    await holds('schema registry killed, and a new start', [...lines, ...linesAfter], {
      faultMs: 2 * awayMs,
    })
  },
}

export const storeRows: readonly Row[] = [redisDown, clickhouseDown, registryDown]
