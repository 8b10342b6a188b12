import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../telemetry/index.ts'
import { codeOf } from '../contract-harness.ts'
import { createAppender } from './append.ts'
import { createLanes } from './lanes.ts'
import type { Borrowed, ProducerPool } from './producers.ts'

type Send = Borrowed['send']
type Sent = Parameters<Send>[0]

/** A broker in memory behind a pool: `answer` decides what becomes of each send. */
const rig = (
  answer: (sent: Sent, ok: () => Awaited<ReturnType<Send>>, nth: number) => ReturnType<Send>,
) => {
  const stored = new Map<string, string[]>()
  const busy = new Map<string, number>()
  let most = 0
  let nth = 0
  let discarded = 0
  const pool: ProducerPool = {
    borrow: async () => ({
      disconnect: async () => undefined,
      send: async (sent) => {
        const partitions = new Set(sent.messages.map(({ partition }) => partition))
        expect(partitions.size).toBe(1)
        const partition = sent.messages[0]?.partition ?? -1
        const place = `${sent.topic}/${partition}`
        const store = (): Awaited<ReturnType<Send>> => {
          const log = stored.get(place) ?? []
          stored.set(place, log)
          const baseOffset = String(log.length)
          log.push(...sent.messages.map(({ value }) => String(value)))
          return [{ topicName: sent.topic, partition, errorCode: 0, baseOffset }]
        }
        busy.set(place, (busy.get(place) ?? 0) + 1)
        most = Math.max(most, busy.get(place) ?? 0)
        try {
          return await answer(sent, store, nth++)
        } finally {
          busy.set(place, (busy.get(place) ?? 0) - 1)
        }
      },
    }),
    giveBack: () => undefined,
    discard: () => {
      discarded++
    },
    size: () => 0,
    close: async () => undefined,
  }
  const lanes = createLanes({
    pool,
    logger: silentLogger,
    sendTimeoutMs: 1_000,
    isMissing: async (topic) => topic === 'gone',
  })
  const append = createAppender({
    lanes,
    partitionsOf: async () => 3,
    fullName: (topic) => topic,
    timeoutMs: 400,
    maxQueuedBytes: 100_000,
  })
  const put = (value: string, key = 'k', topic = 't') =>
    append([{ topic, key, value: new TextEncoder().encode(value) }])
  return {
    put,
    append,
    lanes,
    stored: () => [...stored.values()].flat(),
    most: () => most,
    discarded: () => discarded,
    sends: () => nth,
  }
}

const kafkaError = (type: string): Error => Object.assign(new Error(type), { type })
describe('lanes', () => {
  it('have one send under way, and batch what comes meanwhile, in order', async () => {
    const { put, stored, most, sends } = rig(async (_, ok) => {
      await sleep(5)
      return ok()
    })
    const values = Array.from({ length: 200 }, (_, index) => String(index))
    const positions = await Promise.all(values.map((value) => put(value)))
    expect(stored()).toEqual(values)
    expect(positions.flat().map(({ offset }) => offset)).toEqual(values.map(Number))
    expect(most()).toBe(1)
    expect(sends()).toBeLessThan(5)
  })

  it('do not take an answer without their partition for an acknowledgement', async () => {
    const { put, stored, discarded } = rig(async (_, ok, nth) => (nth === 0 ? [] : ok()))
    // The first send may have come in all the same: whoever publishes to others wants to know.
    expect(await put('a')).toEqual([
      { topic: 't', partition: expect.any(Number), offset: 0, resent: true },
    ])
    expect(await put('b')).toEqual([{ topic: 't', partition: expect.any(Number), offset: 1 }])
    expect(stored()).toEqual(['a', 'b'])
    expect(discarded()).toBe(1)
  })

  it.each([
    { errorCode: 7, baseOffset: '0' },
    { errorCode: 0, baseOffset: '-1' },
  ])('do not take %o for an acknowledgement', async (odd) => {
    const { put, sends } = rig(async (sent, ok, nth) =>
      nth === 0
        ? [{ topicName: sent.topic, partition: sent.messages[0]?.partition ?? 0, ...odd }]
        : ok(),
    )
    await put('a')
    expect(sends()).toBe(2)
  })

  it('replace a producer after any error, and try again until the deadline', async () => {
    const { put, discarded, sends } = rig(async () => {
      throw kafkaError('OUT_OF_ORDER_SEQUENCE_NUMBER')
    })
    const began = Date.now()
    expect(await codeOf(put('a'))).toBe('ZENHOOK_LOG_UNAVAILABLE')
    expect(Date.now() - began).toBeGreaterThanOrEqual(395)
    expect(sends()).toBeGreaterThan(2)
    expect(discarded()).toBe(sends())
  })

  it('refuse the record that is too large, and only that one', async () => {
    const { append, stored } = rig(async (sent, ok) => {
      const bytes = sent.messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
      if (bytes > 50) throw kafkaError('MESSAGE_TOO_LARGE')
      return ok()
    })
    const sizes = [10, 10, 60, 10, 10, 10, 10]
    const codes = await Promise.all(
      sizes.map((size) =>
        codeOf(append([{ topic: 't', key: 'k', value: new Uint8Array(size).fill(65) }])),
      ),
    )
    expect(codes).toEqual(
      sizes.map((size) => (size > 50 ? 'ZENHOOK_LOG_RECORD_TOO_LARGE' : 'resolved')),
    )
    expect(stored()).toHaveLength(6)
  })

  it('tell a topic that is gone from one that a broker does not know yet', async () => {
    const { put } = rig(async (_, ok, nth) => {
      if (nth < 2) throw kafkaError('UNKNOWN_TOPIC_OR_PARTITION')
      return ok()
    })
    expect(await codeOf(put('a', 'k', 'gone'))).toBe('ZENHOOK_LOG_UNKNOWN_TOPIC')
    expect(await codeOf(put('b', 'k', 'young'))).toBe('resolved')
  })

  it('keep a stalled partition from holding others up, and refuse beyond their limit', async () => {
    const stalled = new Set<number>()
    const { append, lanes } = rig(async (sent, ok) => {
      const partition = sent.messages[0]?.partition ?? 0
      if (stalled.has(partition)) await sleep(300)
      return ok()
    })
    const [first] = await append([{ topic: 't', key: 'slow', value: new Uint8Array(1) }])
    stalled.add(first?.partition ?? 0)
    const slow = append([{ topic: 't', key: 'slow', value: new Uint8Array(120_000) }])
    expect(lanes.queuedBytes()).toBeGreaterThan(100_000)
    const refused = append([{ topic: 't', key: 'other', value: new Uint8Array(1) }])
    expect(await codeOf(refused)).toBe('ZENHOOK_LOG_UNAVAILABLE')
    await slow
    expect(lanes.queuedBytes()).toBe(0)
    const began = Date.now()
    const held = append([{ topic: 't', key: 'slow', value: new Uint8Array(1) }])
    const others = ['a', 'b', 'c', 'd', 'e'].map((key) => ({
      topic: 't',
      key,
      value: new Uint8Array(1),
    }))
    const free = await Promise.all(
      others.map(async (record) => {
        const [position] = await append([record])
        return { position, took: Date.now() - began }
      }),
    )
    const quick = free.filter(({ position }) => position?.partition !== first?.partition)
    expect(quick.length).toBeGreaterThan(0)
    for (const { took } of quick) expect(took).toBeLessThan(200)
    await held
  })

  it('send no time of the future, which a broker refuses, and the others as they are', async () => {
    const sent: number[] = []
    const { append } = rig(async ({ messages }, ok) => {
      sent.push(...messages.map(({ timestamp }) => Number(timestamp)))
      return ok()
    })
    const began = Date.now()
    const old = began - 30 * 24 * 3_600_000
    for (const timestamp of [began + 2 * 3_600_000, old])
      await append([{ topic: 't', key: 'k', value: new Uint8Array(1), timestamp }])
    expect(sent[0]).toBeGreaterThanOrEqual(began)
    expect(sent[0]).toBeLessThanOrEqual(Date.now())
    expect(sent[1]).toBe(old)
  })

  it('leave nothing behind: idle once all is sent', async () => {
    const { put, lanes } = rig(async (_, ok) => ok())
    const puts = Promise.all(Array.from({ length: 20 }, (_, index) => put(`${index}`, `k${index}`)))
    await puts
    await lanes.idle()
    expect(lanes.queuedBytes()).toBe(0)
  })
})
