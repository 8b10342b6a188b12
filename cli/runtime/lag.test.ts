import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Lag } from '../../core/log/port.ts'
import { createMetrics, silentLogger } from '../../core/telemetry/index.ts'
import { sampleLag } from './lag.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const behind = (topic: string, partition: number, records: number): Lag => ({
  ...{ topic, partition, records },
  offset: 0,
})

it('tells how far each group is behind, every few seconds', async () => {
  const metrics = createMetrics()
  let more = 0
  const log = {
    lag: async (group: string) => {
      more += 1
      return group === 'sink' ? [behind('received', 0, more), behind('received', 1, 10)] : []
    },
  }
  const stop = sampleLag(log, ['connectors', 'sink'], metrics, silentLogger)
  await vi.advanceTimersByTimeAsync(10_000)
  await stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(more).toBe(4)
  expect((await metrics.lag.get()).values).toMatchObject([
    { labels: { group: 'sink', topic: 'received' }, value: 14 },
  ])
})

it('asks once at a time while the log is away, and lets nobody wait for it when it stops', async () => {
  const asked: string[] = []
  const log = {
    lag: async (group: string): Promise<readonly Lag[]> => {
      asked.push(group)
      await new Promise((resolve) => setTimeout(resolve, 14_000))
      throw new Error('away')
    },
  }
  const stop = sampleLag(log, ['a', 'b', 'c'], createMetrics(), silentLogger)
  await vi.advanceTimersByTimeAsync(62_000)
  expect(asked).toEqual(['a', 'b', 'c', 'a'])
  // Resolves without any time going by.
  await stop()
  await vi.advanceTimersByTimeAsync(300_000)
  expect(asked).toEqual(['a', 'b', 'c', 'a'])
})
