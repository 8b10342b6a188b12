import { createRequire } from 'node:module'

/**
 * Produce requests written in one piece. kafkajs makes a zeroed buffer of 512 bytes for every record and
 * for every header of it, and copies what it has six times on its way out: 40 to 120 µs a record of 1.5 KB,
 * a sixth of all that a busy process does. The bytes are the same (a test compares them); what is asked
 * for in another shape than ours, and other versions of kafkajs than package.json pins, go the old way.
 */

type Bytes = string | Buffer

interface Message {
  key?: Bytes | null
  value: Bytes | null
  headers?: Readonly<Record<string, unknown>>
  /** ms since 1970. */
  timestamp?: string
}

interface PartitionData {
  partition: number
  firstSequence?: number
  messages: readonly Message[]
}

interface TopicData {
  topic: string
  partitions: readonly PartitionData[]
}

/** What kafkajs asks its protocol for. */
export interface Produce {
  acks: number
  timeout: number
  compression?: number
  transactionalId?: string | null
  producerId?: number | string | bigint
  producerEpoch?: number
  topicData: readonly TopicData[]
}

/** The part of kafkajs's encoder that it reads of a payload. */
interface Encoded {
  buf: Buffer
  buffer: Buffer
}

interface Call {
  request: { encode(): Promise<Encoded> }
  response: unknown
}

export interface ProduceProtocol {
  versions: readonly string[]
  protocol(of: { version: number }): (produce: Produce) => Call
}

type Checksum = (bytes: Buffer) => number

// Before the records: the base offset and the length, and what the length counts.
const batchHead = 61
const lengthAt = 8
const afterLength = 12
const checksumAt = 17
const checkedFrom = 21
const magic = 2

const zigZag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0

const sizeOfVarInt = (value: number): number => {
  const left = zigZag(value)
  return left < 0x80 ? 1 : left < 0x4000 ? 2 : left < 0x20_0000 ? 3 : left < 0x1000_0000 ? 4 : 5
}

const writeVarInt = (into: Buffer, start: number, value: number): number => {
  let at = start
  let left = zigZag(value)
  for (; left > 0x7f; left >>>= 7) into[at++] = (left & 0x7f) | 0x80
  into[at++] = left
  return at
}

const lengthOf = (bytes: Bytes | null | undefined): number =>
  bytes === null || bytes === undefined
    ? -1
    : typeof bytes === 'string'
      ? Buffer.byteLength(bytes)
      : bytes.length

const sizeWith = (length: number): number => sizeOfVarInt(length) + Math.max(0, length)

const writeBytes = (
  into: Buffer,
  start: number,
  bytes: Bytes | null | undefined,
  length: number,
): number => {
  const at = writeVarInt(into, start, length)
  if (bytes === null || bytes === undefined) return at
  if (typeof bytes === 'string') into.write(bytes, at, length)
  else bytes.copy(into, at)
  return at + length
}

/** A record with the lengths of its parts, which are wanted twice. */
interface Plan {
  message: Message
  /** ms after the first of its batch. */
  delta: number
  keyLength: number
  valueLength: number
  /** Names and values by turns. */
  headers: readonly string[]
  headerLengths: readonly number[]
  /** Without the bytes that tell it. */
  size: number
}

interface BatchPlan {
  data: PartitionData
  firstTimestamp: number
  maxTimestamp: number
  records: readonly Plan[]
  size: number
}

const planRecord = (message: Message, index: number, delta: number): Plan => {
  const keyLength = lengthOf(message.key)
  const valueLength = lengthOf(message.value)
  const headers: string[] = []
  const headerLengths: number[] = []
  let size =
    1 + sizeOfVarInt(delta) + sizeOfVarInt(index) + sizeWith(keyLength) + sizeWith(valueLength)
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    for (const text of [name, String(value)]) {
      const length = Buffer.byteLength(text)
      headers.push(text)
      headerLengths.push(length)
      size += sizeWith(length)
    }
  }
  size += sizeOfVarInt(headers.length / 2)
  return { message, delta, keyLength, valueLength, headers, headerLengths, size }
}

const planBatch = (data: PartitionData, now: number): BatchPlan => {
  const times = data.messages.map(({ timestamp }) => Number(timestamp ?? now))
  const firstTimestamp = Math.min(...times)
  let size = batchHead
  const records = data.messages.map((message, index) => {
    const record = planRecord(message, index, (times[index] ?? now) - firstTimestamp)
    size += sizeOfVarInt(record.size) + record.size
    return record
  })
  return { data, firstTimestamp, maxTimestamp: Math.max(...times), records, size }
}

const writeRecord = (into: Buffer, start: number, record: Plan, index: number): number => {
  const { message, delta, keyLength, valueLength, headers, headerLengths } = record
  let at = writeVarInt(into, start, record.size)
  into[at++] = 0
  at = writeVarInt(into, at, delta)
  at = writeVarInt(into, at, index)
  at = writeBytes(into, at, message.key, keyLength)
  at = writeBytes(into, at, message.value, valueLength)
  at = writeVarInt(into, at, headers.length / 2)
  headers.forEach((text, nth) => {
    at = writeBytes(into, at, text, headerLengths[nth] ?? 0)
  })
  return at
}

const writeBatch = (
  into: Buffer,
  start: number,
  plan: BatchPlan,
  { producerId = -1, producerEpoch = 0 }: Produce,
  checksum: Checksum,
): number => {
  const { data, records, size } = plan
  into.writeBigInt64BE(0n, start)
  into.writeInt32BE(size - afterLength, start + lengthAt)
  // The leader's epoch is the broker's to fill in.
  into.writeInt32BE(0, start + afterLength)
  into.writeInt8(magic, start + afterLength + 4)
  let at = into.writeInt16BE(0, start + checkedFrom)
  at = into.writeInt32BE(records.length - 1, at)
  at = into.writeBigInt64BE(BigInt(plan.firstTimestamp), at)
  at = into.writeBigInt64BE(BigInt(plan.maxTimestamp), at)
  at = into.writeBigInt64BE(BigInt(producerId), at)
  at = into.writeInt16BE(producerEpoch, at)
  at = into.writeInt32BE(data.firstSequence ?? 0, at)
  at = into.writeInt32BE(records.length, at)
  records.forEach((record, index) => {
    at = writeRecord(into, at, record, index)
  })
  into.writeUInt32BE(checksum(into.subarray(start + checkedFrom, at)), start + checksumAt)
  return at
}

/** Versions 3 to 7 of the request, which are laid out alike. */
export const encodeProduce = (produce: Produce, checksum: Checksum): Encoded => {
  const now = Date.now()
  let size = 2 + 2 + 4 + 4
  const topics = produce.topicData.map(({ topic, partitions }) => {
    const batches = partitions.map((data) => planBatch(data, now))
    size += 2 + Buffer.byteLength(topic) + 4
    for (const batch of batches) size += 4 + 4 + batch.size
    return { topic, batches }
  })
  const buf = Buffer.allocUnsafe(size)
  let at = buf.writeInt16BE(-1, 0)
  at = buf.writeInt16BE(produce.acks, at)
  at = buf.writeInt32BE(produce.timeout, at)
  at = buf.writeInt32BE(topics.length, at)
  for (const { topic, batches } of topics) {
    at = buf.writeInt16BE(Buffer.byteLength(topic), at)
    at += buf.write(topic, at)
    at = buf.writeInt32BE(batches.length, at)
    for (const batch of batches) {
      at = buf.writeInt32BE(batch.data.partition, at)
      at = buf.writeInt32BE(batch.size, at)
      at = writeBatch(buf, at, batch, produce, checksum)
    }
  }
  return { buf, buffer: buf }
}

const isBytes = (value: unknown): boolean => typeof value === 'string' || Buffer.isBuffer(value)

const isOurs = (message: Message, now: number): boolean => {
  const { key, value, headers, timestamp } = message
  if (!(key === null || key === undefined || isBytes(key))) return false
  if (!(value === null || isBytes(value))) return false
  // A batch may not hold times that are further apart than an int32 of ms.
  if (Math.abs(Number(timestamp ?? now) - now) > 0x3fff_ffff) return false
  return Object.values(headers ?? {}).every((header) => typeof header === 'string')
}

/** Whether it is what lanes send: plain, no transaction, nothing compressed. */
const isPlain = ({ compression = 0, transactionalId, topicData }: Produce): boolean => {
  if (compression !== 0 || (transactionalId !== undefined && transactionalId !== null)) return false
  const now = Date.now()
  return topicData.every(({ partitions }) =>
    partitions.every(
      ({ messages }) => messages.length > 0 && messages.every((each) => isOurs(each, now)),
    ),
  )
}

const written = new WeakSet<object>()

/** Makes a protocol of kafkajs write plain requests in one piece, once. */
export const writeInOnePiece = (produce: ProduceProtocol, checksum: Checksum): void => {
  if (written.has(produce)) return
  written.add(produce)
  const { protocol } = produce
  produce.protocol = ({ version }) => {
    const make = protocol({ version })
    if (version < 3 || version > 7) return make
    return (asked) => {
      const call = make(asked)
      if (!isPlain(asked)) return call
      const encode = async (): Promise<Encoded> => encodeProduce(asked, checksum)
      return { ...call, request: { ...call.request, encode } }
    }
  }
}

const pinned = '2.2.4'

/** For every client of this process: kafkajs has one protocol for all of them. */
export const quickenKafkajs = (): void => {
  const load = createRequire(import.meta.url)
  const { version } = load('kafkajs/package.json') as { version: string }
  if (version !== pinned) return
  writeInOnePiece(
    load('kafkajs/src/protocol/requests/produce/index.js') as ProduceProtocol,
    load('kafkajs/src/protocol/recordBatch/crc32C/index.js') as Checksum,
  )
}
