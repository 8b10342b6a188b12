import { describe, expect, it } from 'vitest'
import { createPartitioner, murmur2, partitionOf } from './partition.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('murmur2', () => {
  // Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Kafka does', (text, expected) => {
    expect(murmur2(bytes(text))).toBe(expected)
  })

  it('does not depend on where the bytes lie', () => {
    const padded = bytes('xxfoobar').subarray(2)
    expect(murmur2(padded)).toBe(-790332482)
  })
})

describe('partitions', () => {
  it('are non-negative and below the count, also for negative hashes', () => {
    for (const key of ['', '21', 'foobar', 'schlüssel', 'a'.repeat(1_000)])
      for (const count of [1, 2, 6, 7]) {
        const partition = partitionOf(key, count)
        expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true)
      }
    expect(partitionOf('21', 6)).toBe((-973932308 & 0x7fffffff) % 6)
  })

  it('take turns without a key, per topic', () => {
    const choose = createPartitioner()
    const to = (topic: string, key: string | null) => choose({ topic, key }, 3, 0)
    expect([1, 2, 3, 4].map(() => to('a', null))).toEqual([0, 1, 2, 0])
    expect(to('b', null)).toBe(0)
    expect(to('a', 'foobar')).toBe(partitionOf('foobar', 3))
  })

  it('are the same for a moment where no order is wanted, and all in time', () => {
    const choose = createPartitioner()
    const at = (now: number) => choose({ topic: 'a', key: String(now), unordered: true }, 3, now)
    expect(new Set(Array.from({ length: 50 }, (_, ms) => at(ms))).size).toBe(1)
    expect(new Set(Array.from({ length: 150 }, (_, ms) => at(ms))).size).toBe(3)
  })
})
