import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { delayed, notBeforeHeader, startDelays, targetHeader, tierFor } from './delay.ts'
import { createMemoryLog } from './memory/index.ts'
import type { Gap, Log, NewRecord, StoredRecord } from './port.ts'
import { tiers } from './topics.ts'

const scaled = [
  { name: 'short', delayMs: 60 },
  { name: 'long', delayMs: 250 },
]
/** Longer than the test. */
const slowTier = { name: 'long', delayMs: 1_000 }
const topicOf = (name: string): string => `later.${name}`
const options = { tiers: scaled, topicOf }
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** A memory log that cannot delay, as Kafka cannot. */
const undelayed = async () => {
  const log = createMemoryLog()
  const names = ['dispatch', 'other', ...scaled.map(({ name }) => topicOf(name))]
  await log.ensureTopics(
    names.map((name) => ({ name, partitions: 2, retentionMs: -1, maxMessageBytes: 1_000_000 })),
  )
  return { ...log, capabilities: { ...log.capabilities, delayedRecords: false } }
}

const arrivals = async (log: Log, topic: string) => {
  const seen: { record: StoredRecord; at: number }[] = []
  await log.subscribe({ group: `watch.${topic}`, topics: [topic] }, async (batch) => {
    for (const record of batch.records) seen.push({ record, at: Date.now() })
    return undefined
  })
  return seen
}

const until = async (holds: () => boolean, limitMs = 5_000): Promise<void> => {
  const deadline = Date.now() + limitMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms`)
    await sleep(5)
  }
}

describe('tiers', () => {
  it.each([
    [0, '5s'],
    [4_999, '5s'],
    [5_000, '5s'],
    [59_999, '5s'],
    [60_000, '1m'],
    [3_599_999, '10m'],
    [3_600_000, '1h'],
    [86_400_000, '6h'],
  ])('%i ms remaining wait in tier %s', (remaining, name) => {
    expect(tierFor(tiers, remaining)?.name).toBe(name)
  })

  it('any schedule comes out of its hops neither early nor late', () => {
    for (const wait of [1, 4_999, 61_234, 3_600_001, 20 * 3_600_000 + 17]) {
      let left = wait
      let hops = 0
      while (left > 0) {
        const tier = tierFor(tiers, left)
        left -= Math.min(left, tier?.delayMs ?? 0)
        expect(++hops).toBeLessThan(60)
      }
      expect(left).toBe(0)
    }
  })
})

describe('delayed', () => {
  const record: NewRecord = { topic: 'dispatch', key: 'k', value: text('v'), headers: { id: '1' } }

  it('is the record itself once it is due', async () => {
    expect(delayed(await undelayed(), record, 1_000, 1_000)).toBe(record)
  })

  it('leaves the waiting to a log that can', () => {
    const log = createMemoryLog()
    expect(delayed(log, record, 2_000, 1_000)).toEqual({ ...record, notBefore: 2_000 })
  })

  it('goes to the right tier, and knows when and where to', async () => {
    expect(delayed(await undelayed(), record, 70_000, 1_000)).toEqual({
      ...record,
      topic: 'dispatch.retry.1m',
      headers: { id: '1', [notBeforeHeader]: '70000', [targetHeader]: 'dispatch' },
      timestamp: 1_000,
    })
  })
})

describe('startDelays', () => {
  it('brings every record to its topic as it was, when it is due and soon after', async () => {
    const log = await undelayed()
    const seen = await arrivals(log, 'dispatch')
    const delays = await startDelays(log, options)
    const began = Date.now()
    const waits = [20, 90, 300, 420, 700]
    await log.append(
      waits.map((wait) =>
        delayed(
          log,
          { topic: 'dispatch', key: `k${wait}`, value: text(String(wait)), headers: { id: 'x' } },
          began + wait,
          began,
          options,
        ),
      ),
    )
    await until(() => seen.length === waits.length)
    for (const { record, at } of seen) {
      const due = began + Number(new TextDecoder().decode(record.value ?? undefined))
      expect(at).toBeGreaterThanOrEqual(due)
      // The smallest tier, a beat, and a machine that is slow.
      expect(at).toBeLessThan(due + 60 + 250 + 200)
      expect(record.headers).toEqual({ id: 'x' })
      expect(record.key).toBe(`k${due - began}`)
    }
    await delays.close()
    await log.close()
  })

  it('looks again at ticks that all partitions share, never before a record is due', async () => {
    const log = await undelayed()
    const seen = await arrivals(log, 'dispatch')
    const asked: number[] = []
    const subscribe: Log['subscribe'] = (given, onBatch) =>
      log.subscribe(given, async (batch) => {
        const answer = await onBatch(batch)
        if (answer !== undefined) asked.push(answer.redeliverAt)
        return answer
      })
    const delays = await startDelays({ ...log, subscribe }, { ...options, tiers: [slowTier] })
    const began = Date.now()
    await log.append(
      Array.from({ length: 100 }, (_, index) =>
        delayed(
          log,
          { topic: 'dispatch', key: `k${index}`, value: text(String(index)) },
          began + 50 + index * 7,
          began,
          { ...options, tiers: [slowTier] },
        ),
      ),
    )
    await until(() => seen.length === 100)
    for (const { record, at } of seen)
      expect(at).toBeGreaterThanOrEqual(began + 50 + Number(record.key?.slice(1)) * 7)
    expect(asked.filter((at) => at % 250 !== 0)).toEqual([])
    // Of two partitions, over less than a second.
    expect(asked.length).toBeLessThanOrEqual(2 * 6)
    await delays.close()
    await log.close()
  })

  it('goes to the topic that the record was meant for', async () => {
    const log = await undelayed()
    const seen = await arrivals(log, 'other')
    const delays = await startDelays(log, options)
    const now = Date.now()
    const record = { topic: 'other', key: null, value: text('v') }
    await log.append([delayed(log, record, now + 40, now, options)])
    await until(() => seen.length === 1)
    await delays.close()
    await log.close()
  })

  it('forgets nothing over a restart, and hands on at once what became due meanwhile', async () => {
    const log = await undelayed()
    const seen = await arrivals(log, 'dispatch')
    const began = Date.now()
    const records = Array.from({ length: 50 }, (_, index) =>
      delayed(
        log,
        { topic: 'dispatch', key: `k${index}`, value: text(String(index)) },
        began + 100 + index * 12,
        began,
        options,
      ),
    )
    const first = await startDelays(log, options)
    await log.append(records)
    await until(() => seen.length > 0)
    await first.close()
    await sleep(700)
    const before = seen.length
    expect(before).toBeLessThan(50)
    const second = await startDelays(log, options)
    await until(() => new Set(seen.map(({ record }) => record.key)).size === 50)
    await second.close()
    await log.close()
  })

  it('a record without headers is not stuck: it goes on at once', async () => {
    const log = await undelayed()
    const seen = await arrivals(log, 'dispatch')
    const delays = await startDelays(log, options)
    await log.append([{ topic: topicOf('long'), key: 'k', value: text('v') }])
    await until(() => seen.length === 1, 200)
    await delays.close()
    await log.close()
  })

  it('tells of records that retention took from a tier', async () => {
    const log = await undelayed()
    const gaps: Gap[] = []
    const first = await startDelays(log, options)
    await first.ready()
    await first.close()
    const topic = topicOf('long')
    const now = Date.now()
    await log.append(
      ['a', 'b', 'c'].map((key) =>
        delayed(log, { topic: 'dispatch', key, value: text(key) }, now + 60_000, now, options),
      ),
    )
    for (const { partition, next } of await log.ends(topic)) await log.trim(topic, partition, next)
    const second = await startDelays(log, { ...options, onGap: (gap) => gaps.push(gap) })
    const lost = () => gaps.reduce((sum, { offset, until: end }) => sum + end - offset, 0)
    await until(() => lost() === 3)
    expect(gaps[0]).toMatchObject({ group: 'delay', topic })
    await second.close()
    await log.close()
  })

  it('keeps a record in its tier while its target cannot be written', async () => {
    const log = await undelayed()
    const errors: unknown[] = []
    const delays = await startDelays(log, { ...options, onError: (error) => errors.push(error) })
    const now = Date.now()
    const lost = { topic: 'nowhere', key: 'k', value: text('v') }
    await log.append([delayed(log, lost, now + 20, now, options)])
    await until(() => errors.length > 1)
    const lag = (await log.lag('delay')).reduce((sum, { records }) => sum + records, 0)
    expect(lag).toBe(1)
    await delays.close()
    await log.close()
  })

  it('does nothing where the log delays by itself', async () => {
    const log = createMemoryLog()
    const delays = await startDelays(log)
    await delays.ready()
    await delays.close()
    expect(await log.lag('delay')).toEqual([])
    await log.close()
  })
})
