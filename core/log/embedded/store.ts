import type { Operation, Storage } from '../../storage/index.ts'
import type { Change, Delayed, LogStore, Progress, Stored } from '../local/store.ts'
import type { StoredRecord, TopicEnd, TopicSpec } from '../port.ts'
import { decodeRecord, encodeRecord, timestampOf } from './record.ts'

interface StoredTopic extends TopicSpec {
  /** Stands for the topic in keys. */
  id: number
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))
const parsed = <T>(bytes: Uint8Array): T => JSON.parse(decoder.decode(bytes)) as T

/** Fixed-width, big-endian, so that bytes sort as numbers do. */
const numbers = (...parts: readonly (readonly [value: number, bytes: 4 | 8])[]): Uint8Array => {
  const buffer = Buffer.allocUnsafe(parts.reduce((sum, [, bytes]) => sum + bytes, 0))
  let at = 0
  for (const [value, bytes] of parts) {
    if (bytes === 8) {
      buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at)
      at += 4
    }
    buffer.writeUInt32BE(value % 2 ** 32, at)
    at += 4
  }
  return buffer
}
const least = Uint8Array.of(0)
const most = new Uint8Array(17).fill(255)
const lastNumber = Number.MAX_SAFE_INTEGER

/** The log's records, progress and delays as tables of the data folder's engine. */
export const createEmbeddedStore = (storage: Storage): LogStore => {
  const tables = {
    topics: storage.table('log.topics'),
    records: storage.table('log.records'),
    floors: storage.table('log.floors'),
    progress: storage.table('log.progress'),
    delayed: storage.table('log.delayed'),
  }
  const topics = new Map<string, StoredTopic>()
  const topicsById = new Map<number, StoredTopic>()
  const remember = (topic: StoredTopic): void => {
    topics.set(topic.name, topic)
    topicsById.set(topic.id, topic)
  }
  const all = { from: least, to: most }
  for (const { value } of tables.topics.range(all)) remember(parsed<StoredTopic>(value))

  const idOf = (topic: string): number => {
    const known = topics.get(topic)
    if (known === undefined) throw new Error(`Topic ${topic} is not in the store`)
    return known.id
  }
  const recordKey = (topic: string, partition: number, offset: number): Uint8Array =>
    numbers([idOf(topic), 4], [partition, 4], [offset, 8])
  const offsetOf = (key: Uint8Array): number => {
    const buffer = Buffer.isBuffer(key) ? key : Buffer.from(key)
    return buffer.readUInt32BE(8) * 2 ** 32 + buffer.readUInt32BE(12)
  }
  const delayedKey = ({ due, sequence }: Pick<Delayed, 'due' | 'sequence'>): Uint8Array =>
    numbers([Math.max(0, Math.ceil(due)), 8], [sequence, 8])

  const decodeDelayed = (key: Uint8Array, value: Uint8Array): Delayed => {
    const place = Buffer.from(value.buffer, value.byteOffset, 8)
    const topic = topicsById.get(place.readUInt32BE(0))
    if (topic === undefined) throw new Error('A delayed record is of no topic')
    const numbersOf = Buffer.from(key)
    return {
      due: Number(numbersOf.readBigUInt64BE(0)),
      sequence: Number(numbersOf.readBigUInt64BE(8)),
      record: {
        ...decodeRecord(value.subarray(8)),
        topic: topic.name,
        partition: place.readUInt32BE(4),
      },
    }
  }

  const operationsOf = (change: Change): Operation[] => {
    const operations: Operation[] = []
    const put = (table: Operation['table'], key: Uint8Array, value?: Uint8Array): void => {
      operations.push({ table, key, value })
    }
    for (const spec of change.topics) {
      const id = topics.get(spec.name)?.id ?? topics.size
      remember({ ...spec, id })
      put(tables.topics, encoder.encode(spec.name), json({ ...spec, id }))
    }
    for (const record of change.records)
      put(
        tables.records,
        recordKey(record.topic, record.partition, record.offset),
        encodeRecord(record),
      )
    for (const { topic, partition, offset } of change.superseded)
      put(tables.records, recordKey(topic, partition, offset))
    for (const { topic, partition, from, first, next } of change.trimmed) {
      const keys = {
        from: recordKey(topic, partition, from),
        to: recordKey(topic, partition, first),
      }
      for (const { key } of tables.records.range(keys)) put(tables.records, key)
      put(tables.floors, numbers([idOf(topic), 4], [partition, 4]), json({ first, next }))
    }
    for (const [key, progress] of change.progress)
      put(tables.progress, encoder.encode(key), json(progress))
    for (const delayed of change.due) put(tables.delayed, delayedKey(delayed))
    for (const delayed of change.delayed) {
      const { topic, partition } = delayed.record
      const place = numbers([idOf(topic), 4], [partition, 4])
      put(tables.delayed, delayedKey(delayed), Buffer.concat([place, encodeRecord(delayed.record)]))
    }
    return operations
  }

  const endOf = (topic: StoredTopic, partition: number): TopicEnd => {
    const stored = tables.floors.get(numbers([topic.id, 4], [partition, 4]))
    const floor =
      stored === undefined ? { first: 0, next: 0 } : parsed<{ first: number; next: number }>(stored)
    const [last] = tables.records.range({
      from: recordKey(topic.name, partition, 0),
      to: recordKey(topic.name, partition, lastNumber),
      reverse: true,
      limit: 1,
    })
    const next = Math.max(floor.next, last === undefined ? 0 : offsetOf(last.key) + 1)
    return { topic: topic.name, partition, first: floor.first, next }
  }

  return {
    load(): Stored {
      const specs = [...topics.values()]
      let nextSequence = 0
      for (const { key } of tables.delayed.range(all))
        nextSequence = Math.max(nextSequence, Number(Buffer.from(key).readBigUInt64BE(8)) + 1)
      return {
        topics: specs.map(({ id: _, ...spec }) => spec),
        ends: specs.flatMap((topic) =>
          Array.from({ length: topic.partitions }, (_, partition) => endOf(topic, partition)),
        ),
        progress: [...tables.progress.range(all)].map(({ value }) => parsed<Progress>(value)),
        nextSequence,
      }
    },
    write: async (change) => storage.write(operationsOf(change)).synced,
    read(topic, partition, from, to, limit) {
      const found: StoredRecord[] = []
      let bytes = 0
      const range = tables.records.range({
        from: recordKey(topic, partition, from),
        to: recordKey(topic, partition, to),
        limit: limit.records,
      })
      for (const { key, value } of range) {
        bytes += value.byteLength
        if (found.length > 0 && bytes > limit.bytes) break
        found.push({ ...decodeRecord(value), topic, partition, offset: offsetOf(key) })
      }
      return found
    },
    firstSince(topic, partition, from, to, cutoff, limit) {
      const range = tables.records.range({
        from: recordKey(topic, partition, from),
        to: recordKey(topic, partition, to),
        limit,
      })
      let after = from
      for (const { key, value } of range) {
        if (timestampOf(value) >= cutoff) return offsetOf(key)
        after = offsetOf(key) + 1
      }
      return after
    },
    due(now, limit) {
      const ready: Delayed[] = []
      for (const { key, value } of tables.delayed.range({ ...all, limit: limit + 1 })) {
        const delayed = decodeDelayed(key, value)
        if (delayed.due > now || ready.length >= limit) return { ready, nextAt: delayed.due }
        ready.push(delayed)
      }
      return { ready, nextAt: undefined }
    },
    delayed(after, limit) {
      const from = after === undefined ? least : Buffer.concat([delayedKey(after), least])
      return [...tables.delayed.range({ from, to: most, limit })].map(({ key, value }) =>
        decodeDelayed(key, value),
      )
    },
    ping: () => storage.ping(),
    // The storage is its opener's, who closes it after everything that stands on it.
    close: async () => undefined,
  }
}
