import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { Decisions } from '../../core/decisions/port.ts'
import { type Sink, type SinkOptions, startSink } from '../../core/decisions/sink.ts'
import type { Dead } from '../../core/event/index.ts'
import { createMemoryLog } from '../../core/log/memory/index.ts'
import type { Log } from '../../core/log/port.ts'
import { topics } from '../../core/log/topics.ts'
import { createMetrics, type Metrics, silentLogger } from '../../core/telemetry/index.ts'
import { codec, receivedAt } from './fixtures.ts'

export interface SinkRig {
  readonly log: Log
  /** As it was started last in this test. */
  readonly sink: Sink | undefined
  start(decisions: Decisions, over?: Partial<SinkOptions>): Promise<Metrics>
  /** Records that the sink has not settled. */
  waiting(): Promise<number>
  /** Resolves once it has settled all. */
  drained(): Promise<void>
  deadLetters(): Promise<readonly Dead[]>
}

/** For the tests of the file that calls it: each has a log in memory of its own, and its sink is closed at the end. */
export const useSink = (): SinkRig => {
  let log = createMemoryLog()
  let sink: Sink | undefined
  beforeEach(async () => {
    log = createMemoryLog()
    await log.ensureTopics(topics())
  })
  afterEach(async () => {
    await sink?.close()
    sink = undefined
    await log.close()
  })
  const waiting = async (): Promise<number> =>
    (await log.lag('sink')).reduce((sum, { records }) => sum + records, 0)
  return {
    get log() {
      return log
    },
    get sink() {
      return sink
    },
    async start(decisions, over = {}) {
      const metrics = createMetrics()
      sink = await startSink({
        log,
        codec,
        decisions,
        metrics,
        logger: silentLogger,
        now: () => receivedAt,
        batch: { ms: 30 },
        backoff: { firstMs: 20, longestMs: 100 },
        ...over,
      })
      await sink.ready()
      return metrics
    },
    waiting,
    drained: async () => {
      await vi.waitFor(async () => expect(await waiting()).toBe(0), {
        timeout: 15_000,
        interval: 20,
      })
    },
    deadLetters: async () => {
      const letters = []
      for (const { partition, first, next } of await log.ends('dead'))
        if (next > first)
          for await (const { value } of log.read({ topic: 'dead', partition, offset: first }))
            letters.push(await codec.decode('dead', value ?? new Uint8Array()))
      return letters
    },
  }
}
