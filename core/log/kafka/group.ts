import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload } from 'kafkajs'
import type { BatchHandler, NewRecord, SubscribeOptions, Subscription } from '../port.ts'
import type { ClusterAdmin } from './admin.ts'
import { createClient } from './client.ts'
import { isFenced, logError } from './errors.ts'
import type { Names } from './names.ts'
import type { KafkaLogOptions } from './options.ts'
import { createPump, type Pump } from './pump.ts'
import { storedRecord } from './records.ts'

export interface GroupOptions {
  log: KafkaLogOptions
  names: Names
  admin: ClusterAdmin
  subscribe: SubscribeOptions
  onBatch: BatchHandler
  append(records: readonly NewRecord[]): Promise<unknown>
}

/** An assigned partition in one generation of the group. */
interface Owned {
  pump: Pump
  /** Offset that the next fetch must begin with. */
  expected: number
  /** A jump that was asked for again, and came again, is real. */
  doubted: number
}

interface Commit {
  topic: string
  partition: number
  offset: string
  epoch: number
  resolve(): void
  reject(error: unknown): void
}

const maxWaitMs = 250
/** After a small fetch the next one rests for a moment: a request for every single record costs more than the record. */
const restMs = 4
const smallFetch = 100
/** How long a close waits for commits that are under way. */
const lastCommitMs = 1_000
/** A fetch that may wait ends early with this much. */
const lingerBytes = 256 * 1024

export interface GroupSubscription extends Subscription {
  /** Resolves once every settle that was asked for has its answer, so that `lag` sees it. */
  progress(): Promise<void>
}

/** A member of a group: kafkajs for membership and fetching, pumps for everything that the port promises. */
export const createGroup = (options: GroupOptions): GroupSubscription => {
  const { names, admin, subscribe, log } = options
  const { maxRecords = 500, maxBytes = 4 * 1024 * 1024, lingerMs = 0 } = subscribe
  const sessionTimeout = log.sessionTimeoutMs ?? 10_000
  const owned = new Map<string, Owned>()
  /** When each partition's last handler ends, over generations and consumers. */
  const handlers = new Map<string, Promise<void>>()
  const closing = new AbortController()
  let consumer: Consumer | undefined
  let epoch = 0
  let joined = (): void => {}
  let refused = (_: unknown): void => {}
  const ready = new Promise<void>((resolve, reject) => {
    joined = resolve
    refused = reject
  })
  ready.catch(() => undefined)

  const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`
  const onError = (error: unknown): void => subscribe.onError?.(error)

  /** Ends this generation: signals abort, what waits is forgotten, commits of it are refused. */
  const revokeAll = (): void => {
    epoch++
    for (const [key, { pump }] of owned) handlers.set(key, pump.revoke())
    owned.clear()
  }

  // One commit under way; those that come meanwhile go together.
  let waiting: Commit[] = []
  let flushing: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    // The caller notes that this runs before it can end.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const mine = batch.filter((one) => one.epoch === epoch)
      for (const one of batch)
        if (one.epoch !== epoch) one.reject(logError('ZENHOOK_LOG_NOT_OWNER', 'The group moved on'))
      if (mine.length === 0) continue
      try {
        await commitNow(mine)
        for (const one of mine) one.resolve()
      } catch (error) {
        for (const one of mine) one.reject(error)
      }
    }
    flushing = undefined
  }
  const commitNow = async (batch: readonly Commit[]): Promise<void> => {
    const at = epoch
    const by = consumer
    if (by === undefined) throw logError('ZENHOOK_LOG_NOT_OWNER', 'The consumer starts anew')
    let isStored = false
    // kafkajs resolves without having committed when its runner has stopped: only the event tells.
    const stop = by.on(by.events.COMMIT_OFFSETS, () => {
      isStored = epoch === at
    })
    try {
      const newest = new Map(batch.map((one) => [keyOf(one.topic, one.partition), one]))
      for (const one of batch) {
        const key = keyOf(one.topic, one.partition)
        if (Number(one.offset) > Number(newest.get(key)?.offset)) newest.set(key, one)
      }
      await by.commitOffsets(
        [...newest.values()].map(({ topic, partition, offset }) => ({
          topic: names.topic(topic),
          partition,
          offset,
        })),
      )
    } catch (error) {
      if (epoch !== at || isFenced(error))
        throw logError('ZENHOOK_LOG_NOT_OWNER', 'The partition has moved', error)
      throw logError('ZENHOOK_LOG_UNAVAILABLE', 'The progress was not stored', error)
    } finally {
      stop()
    }
    if (!isStored) throw logError('ZENHOOK_LOG_NOT_OWNER', 'The partition has moved')
  }

  const commit = (topic: string, partition: number, next: number, of: number): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ topic, partition, offset: String(next), epoch: of, resolve, reject })
      flushing ??= flush()
    })

  const reportGap = (topic: string, partition: number, offset: number, until: number): void => {
    if (until <= offset) return
    log.logger.warn(
      { topic, partition, offset, until, group: subscribe.group },
      'Records were removed before they were read',
    )
    subscribe.onGap?.({ topic, partition, offset, until, group: subscribe.group })
  }

  const assign = async (by: Consumer, assignment: Record<string, number[]>): Promise<void> => {
    revokeAll()
    const mine = epoch
    const partitions = Object.entries(assignment)
    const all = partitions.map(([topic, numbers]) => ({ topic, partitions: numbers }))
    // Nothing is fetched before the group's position is known: kafkajs would reset it in silence.
    by.pause(all)
    for (let attempt = 0; epoch === mine && !closing.signal.aborted; attempt++) {
      try {
        const offsets = await admin.committed(subscribe.group)
        for (const [full, numbers] of partitions) {
          const topic = names.logical(full)
          if (topic === undefined) continue
          const ends = await admin.ends(topic)
          if (epoch !== mine || closing.signal.aborted) return
          for (const partition of numbers) {
            const first = ends.find((end) => end.partition === partition)?.first ?? 0
            const committed = offsets.get(full)?.get(partition)
            const start = Math.max(committed ?? first, first)
            if (committed !== undefined) reportGap(topic, partition, committed, start)
            own(by, topic, partition, start)
            // A group that has settled nothing yet has a place too: what retention takes from there on was lost to
            // it. Where this fails, the first settle says it.
            if (committed === undefined)
              commit(topic, partition, start, mine).catch(() => undefined)
          }
        }
        by.resume(all)
        joined()
        return
      } catch (error) {
        onError(error)
        await sleep(Math.min(100 * 2 ** attempt, 2_000), undefined, {
          signal: closing.signal,
        }).catch(() => undefined)
      }
    }
  }

  const own = (by: Consumer, topic: string, partition: number, start: number): void => {
    const key = keyOf(topic, partition)
    if (owned.has(key)) return
    const mine = epoch
    const full = names.topic(topic)
    const where = [{ topic: full, partitions: [partition] }]
    const still = (): boolean => epoch === mine && consumer === by
    const seek = (offset: number): void => {
      if (still()) by.seek({ topic: full, partition, offset: String(offset) })
    }
    const entry: Owned = {
      expected: start,
      doubted: -1,
      pump: createPump(
        {
          topic,
          partition,
          start,
          maxRecords,
          maxBytes,
          onBatch: options.onBatch,
          onError,
          flow: (full) => {
            if (still()) full ? by.pause(where) : by.resume(where)
          },
          rewind: (offset) => {
            entry.expected = offset
            entry.doubted = -1
            seek(offset)
          },
          append: options.append,
          commit: (next) => commit(topic, partition, next, mine),
        },
        handlers.get(key) ?? Promise.resolve(),
      ),
    }
    owned.set(key, entry)
    seek(start)
  }

  const eachBatch = async ({ batch, isStale }: EachBatchPayload): Promise<void> => {
    const topic = names.logical(batch.topic)
    const mine = topic === undefined ? undefined : owned.get(keyOf(topic, batch.partition))
    if (topic === undefined || mine === undefined || isStale()) return
    const { partition } = batch
    const fetched = Number(Reflect.get(batch, 'fetchedOffset') ?? batch.firstOffset() ?? 0)
    if (fetched > mine.expected) {
      if (mine.doubted !== fetched) {
        // Control records, a reset by retention, or an answer to an older question: ask again.
        mine.doubted = fetched
        consumer?.seek({ topic: batch.topic, partition, offset: String(mine.expected) })
        return
      }
      const before = mine.expected
      admin.ends(topic).then(
        (ends) => {
          const first = ends.find((end) => end.partition === partition)?.first ?? 0
          reportGap(topic, partition, before, Math.min(first, fetched))
        },
        () => undefined,
      )
    }
    mine.doubted = -1
    const from = Math.max(mine.expected, fetched)
    mine.expected = Math.max(from, Number(batch.lastOffset()) + 1)
    const records = batch.messages
      .filter(({ offset }) => Number(offset) >= from)
      .map((message) => storedRecord(topic, partition, message))
    if (records.length === 0) return
    mine.pump.offer(records)
    // kafkajs fetches again once this returns; what was fetched is already on its way.
    if (lingerMs === 0 && records.length < smallFetch) await sleep(restMs)
  }

  /** One life of a kafkajs consumer: from its start to its crash or our close. */
  const live = async (): Promise<void> => {
    const by = createClient(log, {
      initialRetryTime: 50,
      maxRetryTime: 1_000,
      retries: 8,
    }).consumer({
      groupId: names.group(subscribe.group),
      sessionTimeout,
      heartbeatInterval: Math.max(250, Math.floor(sessionTimeout / 8)),
      rebalanceTimeout: Math.max(10_000, sessionTimeout),
      ...(lingerMs > 0
        ? { minBytes: lingerBytes, maxWaitTimeInMs: lingerMs }
        : { maxWaitTimeInMs: maxWaitMs }),
      allowAutoTopicCreation: false,
      retry: {
        initialRetryTime: 50,
        maxRetryTime: 1_000,
        retries: 8,
        // We make a new consumer ourselves, whatever the cause: a dead subscription is no choice.
        restartOnFailure: async () => false,
      },
    })
    const crashed = new Promise<void>((resolve) => {
      by.on(by.events.CRASH, ({ payload }) => {
        onError(logError('ZENHOOK_LOG_UNAVAILABLE', 'The consumer starts anew', payload.error))
        resolve()
      })
    })
    by.on(by.events.GROUP_JOIN, ({ payload }) => {
      if (consumer === by && !closing.signal.aborted) assign(by, payload.memberAssignment)
    })
    try {
      await by.connect()
      await by.subscribe({
        topics: subscribe.topics.map((topic) => names.topic(topic)),
        fromBeginning: true,
      })
      if (closing.signal.aborted) return
      consumer = by
      await by.run({
        autoCommit: false,
        eachBatch,
        partitionsConsumedConcurrently: 16,
      })
      await Promise.race([
        crashed,
        new Promise<void>((resolve) => {
          if (closing.signal.aborted) resolve()
          closing.signal.addEventListener('abort', () => resolve(), { once: true })
        }),
      ])
    } finally {
      consumer = undefined
      revokeAll()
      // Handlers end before the group hears that we leave, so that the next owner starts after them.
      await Promise.all(handlers.values())
      await by.disconnect().catch(() => undefined)
    }
  }

  const run = async (): Promise<void> => {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const began = Date.now()
      try {
        await live()
      } catch (error) {
        onError(error)
      }
      if (Date.now() - began > 30_000) attempt = 0
      await sleep(Math.min(100 * 2 ** attempt, 5_000), undefined, {
        signal: closing.signal,
      }).catch(() => undefined)
    }
  }
  const running = run()

  return {
    ready: () => ready,
    progress: async () => {
      await flushing
    },
    close: async () => {
      // What was settled until now need not come back.
      await Promise.race([flushing, sleep(lastCommitMs, undefined, { ref: false })])
      closing.abort()
      refused(logError('ZENHOOK_LOG_CLOSED', 'The subscription is closed'))
      await running
    },
  }
}
