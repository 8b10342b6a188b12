import type { Consumer } from 'kafkajs'
import { inTime } from '../../time/limits.ts'
import { isFenced, logError } from './errors.ts'
import type { Names } from './names.ts'

/** What a commit needs of a kafkajs consumer. */
export type Committer = Pick<Consumer, 'on' | 'events' | 'commitOffsets'>

export interface CommitsOptions {
  names: Names
  /** Of the generation that the group is in now: commits of another are refused. */
  epoch(): number
  /** Absent while the consumer starts anew. */
  consumer(): Committer | undefined
  /** A commit that has no answer after so long, ms, has none to come. */
  limitMs: number
  /** A consumer that leaves a commit without an answer can not be trusted with the next. */
  giveUp(by: Committer, error: Error): void
}

/** Progress of a group: one commit under way; those that come meanwhile go together. */
export interface Commits {
  /** Rejects with ZENHOOK_LOG_NOT_OWNER once generation `of` is over, _UNAVAILABLE when it was not stored. */
  commit(topic: string, partition: number, next: number, of: number): Promise<void>
  /** Resolves once every commit that was asked for has its answer. */
  idle(): Promise<void>
}

interface Commit {
  topic: string
  partition: number
  offset: number
  epoch: number
  resolve(): void
  reject(error: unknown): void
}

const notOwner = (message: string, cause?: unknown) =>
  logError('ZENHOOK_LOG_NOT_OWNER', message, cause)

export const createCommits = (options: CommitsOptions): Commits => {
  const { names, limitMs } = options
  let waiting: Commit[] = []
  let flushing: Promise<void> | undefined

  const newestOf = (batch: readonly Commit[]): Iterable<Commit> => {
    const newest = new Map<string, Commit>()
    for (const one of batch) {
      const key = `${one.topic}/${one.partition}`
      if (one.offset >= (newest.get(key)?.offset ?? 0)) newest.set(key, one)
    }
    return newest.values()
  }

  const commitNow = async (batch: readonly Commit[]): Promise<void> => {
    const at = options.epoch()
    const by = options.consumer()
    if (by === undefined) throw notOwner('The consumer starts anew')
    let isStored = false
    // kafkajs resolves without having committed when its runner has stopped: only the event tells.
    const stop = by.on(by.events.COMMIT_OFFSETS, () => {
      isStored = options.epoch() === at
    })
    try {
      const offsets = Array.from(newestOf(batch), ({ topic, partition, offset }) => ({
        ...{ topic: names.topic(topic), partition, offset: String(offset) },
      }))
      await inTime(by.commitOffsets(offsets), limitMs, () => {
        const message = `A commit has no answer after ${limitMs} ms`
        const error = logError('ZENHOOK_LOG_UNAVAILABLE', message)
        options.giveUp(by, error)
        return error
      })
    } catch (error) {
      if (options.epoch() !== at || isFenced(error))
        throw notOwner('The partition has moved', error)
      throw logError('ZENHOOK_LOG_UNAVAILABLE', 'The progress was not stored', error)
    } finally {
      stop()
    }
    if (!isStored) throw notOwner('The partition has moved')
  }

  const flush = async (): Promise<void> => {
    // The caller notes that this runs before it can end.
    await Promise.resolve()
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const mine = batch.filter((one) => one.epoch === options.epoch())
      for (const one of batch)
        if (one.epoch !== options.epoch()) one.reject(notOwner('The group moved on'))
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

  return {
    commit: (topic, partition, offset, epoch) =>
      new Promise((resolve, reject) => {
        waiting.push({ topic, partition, offset, epoch, resolve, reject })
        flushing ??= flush()
      }),
    idle: async () => {
      await flushing
    },
  }
}
