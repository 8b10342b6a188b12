import type { Position } from '../../event/index.ts'
import type { Operation, Storage } from '../../storage/index.ts'
import {
  type Change,
  type Delayed,
  type LogStore,
  type Progress,
  type Stored,
  withinLimit,
} from '../local/store.ts'
import type { StoredRecord, TopicEnd, TopicSpec } from '../port.ts'
import { type Chunk, chunkAt, chunkLimit, chunksOf, recordAt } from './chunk.ts'
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
const oneByOne = { ...chunkLimit, records: 1 }

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

  const dueOf = (key: Uint8Array): number => Number(Buffer.from(key).readBigUInt64BE(0))

  const decodeDelayed = (key: Uint8Array, value: Uint8Array): Delayed => {
    const place = Buffer.from(value.buffer, value.byteOffset, 8)
    const topic = topicsById.get(place.readUInt32BE(0))
    if (topic === undefined) throw new Error('A delayed record is of no topic')
    return {
      due: dueOf(key),
      sequence: Number(Buffer.from(key).readBigUInt64BE(8)),
      record: {
        ...decodeRecord(value.subarray(8)),
        topic: topic.name,
        partition: place.readUInt32BE(4),
      },
    }
  }

  /** Chunks with records from `from` on, below `to`; the first may begin before. */
  const chunks = function* (
    topic: string,
    partition: number,
    from: number,
    to: number,
  ): Generator<Chunk> {
    const keyOf = (offset: number) => recordKey(topic, partition, offset)
    const across = (): Chunk[] => {
      const range = { from: keyOf(Math.max(0, from - chunkLimit.records)), to: keyOf(from) }
      return [...tables.records.range({ ...range, reverse: true, limit: 1 })]
        .map(({ key, value }) => chunkAt(offsetOf(key), value))
        .filter(({ base, count }) => base + count > from)
    }
    let begun = false
    for (const { key, value } of tables.records.range({ from: keyOf(from), to: keyOf(to) })) {
      const chunk = chunkAt(offsetOf(key), value)
      if (!begun && chunk.base > from) yield* across()
      begun = true
      yield chunk
    }
    if (!begun) yield* across()
  }
  const entries = function* (
    topic: string,
    partition: number,
    from: number,
    to: number,
  ): Generator<{ offset: number; bytes: Uint8Array }> {
    for (const chunk of chunks(topic, partition, from, to)) {
      const end = Math.min(chunk.base + chunk.count, to)
      for (let offset = Math.max(chunk.base, from); offset < end; offset += 1)
        yield { offset, bytes: recordAt(chunk, offset) }
    }
  }

  /** Puts for what the changes append; each partition's records are in the order of their offsets. */
  const appended = (changes: readonly Change[]): Operation[] => {
    const byTopic = new Map<string, StoredRecord[][]>()
    for (const { records } of changes)
      for (const record of records) {
        const partitions = byTopic.get(record.topic) ?? []
        if (partitions.length === 0) byTopic.set(record.topic, partitions)
        const some = partitions[record.partition]
        if (some === undefined) partitions[record.partition] = [record]
        else some.push(record)
      }
    const operations: Operation[] = []
    for (const [topic, partitions] of byTopic) {
      // Compaction takes records out one by one.
      const limit = topics.get(topic)?.compacted === true ? oneByOne : chunkLimit
      partitions.forEach((records, partition) => {
        for (const { base, count, value } of chunksOf(records, limit)) {
          const key = recordKey(topic, partition, base)
          operations.push({ table: tables.records, key, value, weight: count })
        }
      })
    }
    return operations
  }

  /** Takes single records out, also of a chunk from before its topic was compacted. */
  const without = (positions: readonly Position[]): Operation[] => {
    const table = tables.records
    const operations: Operation[] = []
    const shared = new Map<string, { chunk: Chunk; at: Position; gone: Set<number> }>()
    for (const at of positions) {
      const { topic, partition, offset } = at
      const [chunk] = chunks(topic, partition, offset, offset + 1)
      if (chunk === undefined || chunk.count === 1) {
        operations.push({ table, key: recordKey(topic, partition, offset), value: undefined })
        continue
      }
      const name = JSON.stringify([topic, partition, chunk.base])
      const one = shared.get(name) ?? { chunk, at, gone: new Set() }
      shared.set(name, one)
      one.gone.add(offset)
    }
    for (const { chunk, at, gone } of shared.values()) {
      const keyOf = (offset: number) => recordKey(at.topic, at.partition, offset)
      operations.push({ table, key: keyOf(chunk.base), value: undefined })
      for (let offset = chunk.base; offset < chunk.base + chunk.count; offset += 1)
        if (!gone.has(offset))
          operations.push({ table, key: keyOf(offset), value: recordAt(chunk, offset) })
    }
    return operations
  }

  const operationsOf = (changes: readonly Change[]): Operation[] => {
    const operations: Operation[] = []
    const put = (table: Operation['table'], key: Uint8Array, value?: Uint8Array): void => {
      operations.push({ table, key, value })
    }
    for (const spec of changes.flatMap((change) => change.topics))
      put(tables.topics, encoder.encode(spec.name), json({ ...spec, id: idOf(spec.name) }))
    const superseded = without(changes.flatMap((change) => change.superseded))
    for (const operation of [...appended(changes), ...superseded]) operations.push(operation)
    for (const { topic, partition, from, first, next } of changes.flatMap(
      (change) => change.trimmed,
    )) {
      // A chunk that goes on behind `first` is left to the trim that passes it.
      for (const { base, count } of chunks(topic, partition, from, first))
        if (base + count <= first) put(tables.records, recordKey(topic, partition, base))
      put(tables.floors, numbers([idOf(topic), 4], [partition, 4]), json({ first, next }))
    }
    const moved = new Map<string, { to: Progress; weight: number }>()
    for (const { progress } of changes)
      for (const [name, to] of progress)
        moved.set(name, { to, weight: 1 + (moved.get(name)?.weight ?? 0) })
    for (const [name, { to, weight }] of moved)
      operations.push({
        table: tables.progress,
        key: encoder.encode(name),
        value: json(to),
        weight,
      })
    for (const change of changes) {
      for (const delayed of change.due) put(tables.delayed, delayedKey(delayed))
      for (const delayed of change.delayed) {
        const { topic, partition } = delayed.record
        const place = numbers([idOf(topic), 4], [partition, 4])
        const value = Buffer.concat([place, encodeRecord(delayed.record)])
        put(tables.delayed, delayedKey(delayed), value)
      }
    }
    return operations
  }

  let gathered: Change[] = []
  let written: Promise<void> | undefined
  /** Changes wait for their transaction, so that a chunk is of all of them. */
  const gather = (): Operation[] => {
    const changes = gathered
    gathered = []
    written = undefined
    return operationsOf(changes)
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
    const chunk = last === undefined ? undefined : chunkAt(offsetOf(last.key), last.value)
    const next = Math.max(floor.next, chunk === undefined ? 0 : chunk.base + chunk.count)
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
    async write(change) {
      written ??= storage.write(gather).synced
      for (const spec of change.topics)
        remember({ ...spec, id: topics.get(spec.name)?.id ?? topics.size })
      gathered.push(change)
      return written
    },
    read(topic, partition, from, to, limit) {
      const found: StoredRecord[] = []
      let size = 0
      for (const { offset, bytes } of entries(topic, partition, from, to)) {
        size += bytes.byteLength
        if (found.length > 0 && size > limit.bytes) break
        found.push({ ...decodeRecord(bytes), topic, partition, offset })
        if (found.length >= limit.records) break
      }
      return found
    },
    firstSince(topic, partition, from, to, cutoff, limit) {
      let after = from
      let looked = 0
      for (const { offset, bytes } of entries(topic, partition, from, to)) {
        if (timestampOf(bytes) >= cutoff) return offset
        after = offset + 1
        looked += 1
        if (looked >= limit) break
      }
      return after
    },
    nextDue() {
      const [first] = tables.delayed.range({ ...all, limit: 1 })
      return first && dueOf(first.key)
    },
    delayed(after, dueBy, limit) {
      const from = after === undefined ? least : Buffer.concat([delayedKey(after), least])
      const found = function* () {
        for (const { key, value } of tables.delayed.range({ from, to: most, limit: limit.records }))
          yield decodeDelayed(key, value)
      }
      return withinLimit(found(), dueBy, limit)
    },
    ping: () => storage.ping(),
    // The storage is its opener's, who closes it after everything that stands on it.
    close: async () => undefined,
  }
}
