import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import type { FaultRig } from './rig.ts'
import type { LoggedEvent } from './tables.ts'

/** Where the chain's group stood in one partition of `received`. */
export interface Sample {
  /** Wall time before it was asked for, ms. */
  at: number
  partition: number
  /** Everything below is said to be done. */
  offset: number
}

export interface Sampler {
  stop(): Promise<readonly Sample[]>
}

const everyMs = 1_000

/** Asks once a second how far the chain has settled. A cluster that is away is asked again later. */
export const sampleOffsets = ({ kafka }: FaultRig): Sampler => {
  const samples: Sample[] = []
  const ending = new AbortController()
  const run = async (): Promise<void> => {
    const client = new Kafka({
      brokers: [...kafka.brokers],
      logLevel: logLevel.NOTHING,
      requestTimeout: 3_000,
      retry: { retries: 1, initialRetryTime: 50 },
    })
    const admin = client.admin()
    while (!ending.signal.aborted) {
      try {
        await admin.connect()
        const found = await admin.fetchOffsets({
          groupId: 'zenhook.chain',
          topics: ['zenhook.received.v1'],
        })
        // After the answer: what was settled then was done by then.
        const at = Date.now()
        for (const { partitions } of found)
          for (const { partition, offset } of partitions)
            samples.push({ at, partition, offset: Number(offset) })
      } catch {
        // Asked again with the next tick.
      }
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
    await admin.disconnect().catch(() => undefined)
  }
  const running = run()
  return {
    async stop() {
      ending.abort()
      await running
      return samples
    },
  }
}

/** I7: samples that say done of an event that was decided only later. */
export const settledEarly = (
  events: readonly LoggedEvent[],
  samples: readonly Sample[],
): string[] => {
  const byPartition = new Map<number, LoggedEvent[]>()
  for (const event of events) {
    const list = byPartition.get(event.partition) ?? []
    list.push(event)
    byPartition.set(event.partition, list)
  }
  return samples.flatMap(({ at, partition, offset }) =>
    (byPartition.get(partition) ?? [])
      .filter((event) => event.offset < offset && event.decidedAt > at)
      .map(({ id }) => `${id} below ${partition}/${offset}`),
  )
}
