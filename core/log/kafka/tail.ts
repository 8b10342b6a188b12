import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchHandler, NewRecord, SubscribeOptions, Subscription, TopicEnd } from '../port.ts'
import { isOutOfRange, logError } from './errors.ts'
import { createPump, type Pump } from './pump.ts'
import type { Fetcher } from './raw.ts'
import { storedRecord } from './records.ts'

export interface TailOptions {
  subscribe: SubscribeOptions
  onBatch: BatchHandler
  /** A fetcher of its own for each partition: a long poll holds its connection. */
  createFetcher(): Fetcher
  fullName(topic: string): string
  ends(topic: string): Promise<readonly TopicEnd[]>
  append(records: readonly NewRecord[]): Promise<unknown>
}

/** An ephemeral subscription: every partition from its oldest record on, progress in memory, no group. */
export const createTail = (options: TailOptions): Subscription => {
  const { group, topics, maxRecords = 500, maxBytes = 4 * 1024 * 1024 } = options.subscribe
  const abort = new AbortController()
  const pumps: Pump[] = []
  const loops: Promise<void>[] = []
  const onError = (error: unknown): void => options.subscribe.onError?.(error)

  const follow = async (topic: string, start: TopicEnd): Promise<void> => {
    const { partition } = start
    let position = start.first
    let isFull = false
    let wake = (): void => {}
    const pump = createPump(
      {
        topic,
        partition,
        start: position,
        maxRecords,
        maxBytes,
        onBatch: options.onBatch,
        onError,
        flow: (full) => {
          isFull = full
          if (!full) wake()
        },
        rewind: (offset) => {
          position = offset
        },
        append: options.append,
        commit: async () => undefined,
      },
      Promise.resolve(),
    )
    pumps.push(pump)
    const fetcher = options.createFetcher()
    let failures = 0
    while (!abort.signal.aborted) {
      if (isFull) {
        await new Promise<void>((resolve) => {
          wake = resolve
          abort.signal.addEventListener('abort', () => resolve(), { once: true })
        })
        continue
      }
      const from = position
      try {
        const { messages, next } = await fetcher.fetch(
          options.fullName(topic),
          partition,
          from,
          500,
        )
        failures = 0
        // Rewound or filled up while it was fetched: what came is not what is wanted.
        if (position !== from || isFull || abort.signal.aborted) continue
        position = next
        if (messages.length > 0)
          pump.offer(messages.map((message) => storedRecord(topic, partition, message)))
      } catch (error) {
        if (isOutOfRange(error)) {
          const first = (await endOf(topic, partition))?.first
          if (first !== undefined && first > position)
            options.subscribe.onGap?.({ topic, partition, offset: position, until: first, group })
          position = first ?? position
        } else if (++failures === 3) onError(error)
        await sleep(Math.min(50 * 2 ** failures, 2_000), undefined, {
          signal: abort.signal,
        }).catch(() => undefined)
      }
    }
    await fetcher.close()
  }

  const endOf = async (topic: string, partition: number): Promise<TopicEnd | undefined> => {
    try {
      return (await options.ends(topic)).find((end) => end.partition === partition)
    } catch {
      return undefined
    }
  }

  const start = async (): Promise<void> => {
    for (const topic of topics) {
      for (let attempt = 0; !abort.signal.aborted; attempt++) {
        try {
          for (const end of await options.ends(topic)) loops.push(follow(topic, end))
          break
        } catch (error) {
          onError(error)
          await sleep(Math.min(100 * 2 ** attempt, 5_000), undefined, {
            signal: abort.signal,
          }).catch(() => undefined)
        }
      }
    }
    if (abort.signal.aborted) throw logError('ZENHOOK_LOG_CLOSED', 'The subscription is closed')
  }
  const started = start()
  started.catch(() => undefined)

  return {
    ready: () => started,
    close: async () => {
      abort.abort()
      await started.catch(() => undefined)
      await Promise.all(pumps.map((pump) => pump.revoke()))
      await Promise.all(loops)
    },
  }
}
