import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { ZenhookError } from '../../errors/index.ts'
import type { Batch, StoredRecord } from '../port.ts'
import type { Group, GroupPartition, Ownership } from './groups.ts'
import { forgetPassed, type PartitionState, reached } from './partitions.ts'
import type { Change, LogStore } from './store.ts'
import type { Writer } from './writer.ts'

const backoff = { firstMs: 100, mostMs: 5_000 }

export interface ConsumerContext {
  store: LogStore
  writer: Writer
  now: () => number
}

const note = (change: Change, group: Group, { topic, partition }: PartitionState, offset: number) =>
  change.progress.set(JSON.stringify([group.name, topic, partition]), {
    ...{ topic, partition, offset, group: group.name },
  })

/** A group that has settled nothing yet has a place too: what retention takes from there on was lost to it. */
const begin = async (
  { writer }: ConsumerContext,
  group: Group,
  partition: GroupPartition,
): Promise<void> => {
  const { state } = partition
  const offset = state.first
  if (group.persistent) await writer.submit((change) => note(change, group, state, offset))
  partition.progress ??= offset
}

/** Appends the outputs and moves the group's progress, as one change; or moves nothing. */
const settle = async (
  { writer }: ConsumerContext,
  group: Group,
  partition: GroupPartition,
  ownership: Ownership,
  ...[through, outputs = []]: Parameters<Batch['settle']>
): Promise<void> => {
  const { state } = partition
  const refuseStranger = (): void => {
    if (!ownership.owned || through.topic !== state.topic || through.partition !== state.partition)
      throw new ZenhookError('ZENHOOK_LOG_NOT_OWNER', {
        message: `${group.name} no longer holds ${state.topic}/${state.partition} here`,
      })
  }
  const write = async (): Promise<void> => {
    refuseStranger()
    const target = through.offset + 1
    const moves = target > (partition.progress ?? -1)
    if (!moves && outputs.length === 0) return
    await writer.submit((change) => {
      writer.place(change, outputs)
      if (moves && group.persistent) note(change, group, state, target)
    })
    if (moves) partition.progress = target
  }

  refuseStranger()
  writer.check(outputs)
  // One at a time, and none behind one that failed: progress would pass outputs that are not in the log.
  const done = partition.settling?.then(write) ?? write()
  partition.settling = done
  try {
    await done
  } finally {
    if (partition.settling === done) partition.settling = undefined
  }
}

/** Hands a partition to its member, batch after batch, until it moves away or the member closes. */
export const consume = async (
  context: ConsumerContext,
  group: Group,
  partition: GroupPartition,
  ownership: Ownership,
): Promise<void> => {
  const { store, now } = context
  const { state } = partition
  const { signal } = ownership.controller
  const { options, handler } = ownership.member
  const { lingerMs = 0 } = options
  const limit = { records: options.maxRecords ?? 500, bytes: options.maxBytes ?? 4 * 2 ** 20 }
  const settled = async (): Promise<void> => partition.settling?.catch(() => undefined)
  const pauseUntil = async (time: number): Promise<void> => {
    // By the clock, which may jump, but never longer than it seemed at first.
    const latest = performance.now() + time - now()
    const left = (): number => Math.min(time - now(), latest - performance.now())
    for (let ms = left(); ms > 0 && !signal.aborted; ms = left())
      await sleep(Math.min(ms, 60_000), undefined, { signal }).catch(() => undefined)
  }

  await settled()
  if (partition.progress === undefined)
    await begin(context, group, partition).catch((error: unknown) => options.onError?.(error))
  const origin = partition.progress ?? state.first
  const at = { position: origin }
  let failures = 0

  const fetch = async (): Promise<StoredRecord[]> => {
    await reached(state, at.position, signal)
    if (lingerMs > 0 && state.visible - at.position < limit.records)
      await sleep(lingerMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return []
    if (at.position < state.first) {
      const { topic, partition } = state
      options.onGap?.({
        topic,
        partition,
        offset: at.position,
        until: state.first,
        group: group.name,
      })
      at.position = state.first
    }
    const records =
      state.recent.read(at.position, limit) ??
      store.read(state.topic, state.partition, at.position, state.visible, limit)
    if (records.length === 0) at.position = Math.max(at.position, state.visible)
    return records
  }

  const handle = async (records: readonly StoredRecord[]): Promise<number | undefined> => {
    const { topic, partition: number } = state
    const answer = await handler({
      topic,
      partition: number,
      records,
      signal,
      settle: (...args) => settle(context, group, partition, ownership, ...args),
    })
    return answer?.redeliverAt
  }

  if (signal.aborted) return
  state.readers.add(at)
  signal.addEventListener('abort', () => state.readers.delete(at), { once: true })
  while (!signal.aborted) {
    let again: number | undefined
    try {
      const records = await fetch()
      const last = records.at(-1)
      if (last === undefined) continue
      again = await handle(records)
      if (again === undefined) {
        at.position = last.offset + 1
        forgetPassed(state)
      }
      failures = 0
      // A long backlog and a quick handler must not keep the event loop to themselves.
      if (at.position < state.visible) await immediate()
    } catch (error) {
      if (signal.aborted) return
      options.onError?.(error)
      again = now() + Math.min(backoff.firstMs * 2 ** failures, backoff.mostMs)
      failures += 1
    }
    if (again === undefined) continue
    await pauseUntil(again)
    await settled()
    at.position = partition.progress ?? origin
  }
}
