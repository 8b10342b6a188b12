import { ZenhookError } from '../../errors/index.ts'
import type { Position } from '../../event/index.ts'
import type { TopicEnd, TopicSpec } from '../port.ts'
import { createRecent, type Recent } from './recent.ts'

/** One partition as the log sees it. `visible` trails `next` by what is being written. */
export interface PartitionState {
  readonly topic: string
  readonly partition: number
  /** First retained offset. */
  first: number
  /** Records below are gone from the store too: it trails `first` by what a trim could not remove yet. */
  swept: number
  /** Offset that the next record will get. */
  next: number
  /** Records below are durable: readers may have them. */
  visible: number
  /** Records up to here may be in the store, though their write is told as failed. */
  doubted: number
  readonly recent: Recent
  /** Where each of its consumers is: what all have passed is not kept at hand. */
  readonly readers: Set<{ position: number }>
  /** Called once when `visible` moves. */
  readonly waiting: Set<() => void>
}

/** The newest record of a key. */
export interface Newest {
  readonly at: Position
  /** Where it removes the key. */
  readonly tombstoneAt?: number
  /** Older ones of the key that may be in the store still, for a crash or a failed write left them there. */
  left: Position[]
}

export interface TopicState {
  spec: TopicSpec
  readonly partitions: readonly PartitionState[]
  /** Where compacted, by key. */
  readonly newest: Map<string, Newest>
}

export const createTopicState = (spec: TopicSpec, ends: readonly TopicEnd[] = []): TopicState => ({
  spec,
  newest: new Map(),
  partitions: Array.from({ length: spec.partitions }, (_, partition) => {
    const end = ends.find((each) => each.partition === partition)
    const next = end?.next ?? 0
    return {
      topic: spec.name,
      partition,
      first: end?.first ?? 0,
      swept: end?.first ?? 0,
      next,
      visible: next,
      doubted: 0,
      recent: createRecent(),
      readers: new Set<{ position: number }>(),
      waiting: new Set<() => void>(),
    }
  }),
})

export const partitionIn = (topic: TopicState, partition: number): PartitionState => {
  const state = topic.partitions[partition]
  if (state === undefined)
    throw new ZenhookError('ZENHOOK_LOG_UNKNOWN_TOPIC', {
      message: `Topic ${topic.spec.name} has no partition ${partition}`,
    })
  return state
}

/** Makes a record the newest of its key; what was the newest is left behind by it. */
export const renew = (
  { newest }: TopicState,
  key: string,
  at: Position,
  tombstoneAt: number | undefined,
): Newest => {
  const before = newest.get(key)
  const left = before?.left ?? []
  if (before !== undefined) left.push(before.at)
  const made = { at, left, ...(tombstoneAt === undefined ? {} : { tombstoneAt }) }
  newest.set(key, made)
  return made
}

/** Makes records below `to` readable and wakes who waits for them. */
export const advance = (state: PartitionState, to: number): void => {
  if (to <= state.visible) return
  state.visible = to
  const waiting = [...state.waiting]
  state.waiting.clear()
  for (const wake of waiting) wake()
}

/** Lets go of the records that every consumer of the partition has passed. */
export const forgetPassed = ({ recent, readers }: PartitionState): void => {
  let passed = Number.POSITIVE_INFINITY
  for (const { position } of readers) passed = Math.min(passed, position)
  recent.forget(passed)
}

/** Resolves once a record at `offset` may be there, or on abort. */
export const reached = (
  state: PartitionState,
  offset: number,
  signal: AbortSignal,
): Promise<void> =>
  new Promise((resolve) => {
    if (offset < state.visible || signal.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      state.waiting.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    state.waiting.add(done)
    signal.addEventListener('abort', done)
  })
