import { hasCode, messageOf, ZenhookError } from '../../errors/index.ts'
import { type AvroType, typeOf } from './avro.ts'
import { type BoundsCheck, createBoundsCheck } from './bounds.ts'
import type { AvroSchema, Codec, RecordKind, RecordKinds, Schemas } from './index.ts'
import { kindTopics, recordKinds } from './kinds.ts'
import { packageSchemas } from './package.ts'
import { type AvroKinds, type Shape, shapes } from './shapes.ts'

export interface CodecOptions {
  schemas: Schemas
  /** Subject of a topic, by its logical name; `zenhook.<topic>.v1-value` by default. */
  topicSubject?: (topic: string) => string
  /** The present schemas; those of `schemas/avro` by default. */
  present?: Readonly<Record<RecordKind, AvroSchema>>
  now?: () => number
  /**
   * Gives what this codec encoded back as it was, for as long as the very same bytes come again: with a log in
   * this process a record is then never decoded. All records are immutable, so that they may be shared.
   */
  remember?: boolean
}

/** Where a frame says what it was encoded from: no weak map, which every collection of garbage has to look through. */
const encoded = Symbol('encoded')
interface Frame extends Uint8Array {
  [encoded]?: { kind: RecordKind; value: RecordKinds[RecordKind] }
}

const headerLength = 5
const scratchLimit = 1024 * 1024
/** How long an id that the registry does not know is not asked for again. */
const unknownForMs = 10_000
const unknownLimit = 1_000

/**
 * Registers the present schemas and compiles them once. Rejects with ZENHOOK_SCHEMAS_INCOMPATIBLE, or
 * ZENHOOK_SCHEMAS_UNAVAILABLE (retriable) while the registry is away.
 */
export const createCodec = async (options: CodecOptions): Promise<Codec> => {
  const {
    schemas,
    topicSubject = (topic) => `zenhook.${topic}.v1-value`,
    now = () => performance.now(),
  } = options
  const present = options.present ?? (await packageSchemas())
  const kinds = new Map<RecordKind, KindCodec>()
  for (const kind of recordKinds) {
    const schema = present[kind]
    const [first, ...others] = kindTopics[kind]
    const id = await schemas.register(topicSubject(first), schema)
    const ids = [id]
    for (const topic of others) ids.push(await schemas.register(topicSubject(topic), schema))
    kinds.set(kind, createKindCodec(kind, schema, id, ids))
  }
  const frames = createFrames()
  const remembers = options.remember === true
  const unknown = new Map<number, number>()
  const fetching = new Map<number, Promise<AvroSchema>>()

  const kindCodec = (kind: RecordKind): KindCodec => {
    const found = kinds.get(kind)
    if (found === undefined) throw new TypeError(`there is no record kind ${kind}`)
    return found
  }

  const fetchSchema = async (id: number): Promise<AvroSchema> => {
    const since = unknown.get(id)
    if (since !== undefined && now() - since < unknownForMs) throw unknownId(id)
    const underWay = fetching.get(id) ?? schemas.get(id)
    fetching.set(id, underWay)
    try {
      return await underWay
    } catch (error) {
      if (hasCode(error, 'ZENHOOK_SCHEMAS_UNKNOWN_ID')) {
        if (unknown.size >= unknownLimit) unknown.clear()
        unknown.set(id, now())
      }
      throw error
    } finally {
      fetching.delete(id)
    }
  }

  return {
    encode: (kind, value) => {
      const { id, type } = kindCodec(kind)
      const shape: Shape<typeof kind> = shapes[kind]
      const frame: Frame = frames.write(id, type, shape.toAvro(value))
      if (remembers) frame[encoded] = { kind, value }
      return frame
    },
    decode: <K extends RecordKind>(kind: K, bytes: Frame) => {
      const known = bytes[encoded]
      if (remembers && known?.kind === kind) return known.value as RecordKinds[K]
      const codec = kindCodec(kind)
      const shape: Shape<K> = shapes[kind]
      const frame = bufferOf(bytes)
      const id = frameId(frame)
      const reader = codec.reader(id)
      const read = (found: Reader): RecordKinds[K] => readFrame(kind, found, frame, shape)
      if (reader !== undefined) return read(reader)
      return fetchSchema(id).then((schema) => read(codec.learn(id, schema)))
    },
  }
}

interface Reader {
  check: BoundsCheck
  read(frame: Buffer): unknown
}

interface KindCodec {
  id: number
  type: AvroType
  reader(id: number): Reader | undefined
  learn(id: number, writer: AvroSchema): Reader
}

const createKindCodec = (
  kind: RecordKind,
  schema: AvroSchema,
  id: number,
  ids: readonly number[],
): KindCodec => {
  const type = typeOf(schema)
  const check = createBoundsCheck(type)
  const own: Reader = { check, read: (frame) => readPlain(type, frame) }
  const readers = new Map<number, Reader>(ids.map((known) => [known, own]))
  return {
    id,
    type,
    reader: (wanted) => readers.get(wanted),
    learn: (learnt, writer) => {
      const writerType = typeOf(writer)
      const resolver = resolverOf(kind, learnt, type, writerType)
      const reader: Reader = {
        check: createBoundsCheck(writerType),
        read: (frame) => readPlain(type, frame, resolver),
      }
      readers.set(learnt, reader)
      return reader
    },
  }
}

const resolverOf = (kind: RecordKind, id: number, reader: AvroType, writer: AvroType) => {
  try {
    return reader.createResolver(writer)
  } catch (error) {
    throw badFrame(`A record with schema id ${id} (${writer.name}) is not a ${kind}`, error)
  }
}

const readPlain = (type: AvroType, frame: Buffer, resolver?: ReturnType<typeof resolverOf>) => {
  const { value, offset }: { value: unknown; offset: number } = type.decode(
    frame,
    headerLength,
    resolver,
  )
  if (offset < 0) throw new RangeError('the record ends early')
  return value
}

const readFrame = <K extends RecordKind>(
  kind: K,
  reader: Reader,
  frame: Buffer,
  shape: Shape<K>,
): RecordKinds[K] => {
  try {
    reader.check(frame, headerLength)
    return shape.fromAvro(reader.read(frame) as AvroKinds[K])
  } catch (error) {
    throw badFrame(`A record of kind ${kind} is corrupt: ${messageOf(error)}`, error)
  }
}

const frameId = (frame: Buffer): number => {
  if (frame.length < headerLength)
    throw badFrame(`A record of ${frame.length} bytes is too short for Confluent framing`)
  if (frame[0] !== 0) throw badFrame(`A record starts with byte ${frame[0]} instead of 0`)
  return frame.readUInt32BE(1)
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const badFrame = (message: string, cause?: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_SCHEMAS_BAD_FRAME', { message, cause })

const unknownId = (id: number): ZenhookError =>
  new ZenhookError('ZENHOOK_SCHEMAS_UNKNOWN_ID', { message: `Schema id ${id} is not known` })

// One scratch buffer for all records, so that the size of a frame need not be known before it is written.
const createFrames = () => {
  let scratch = Buffer.allocUnsafeSlow(16 * 1024)
  return {
    write: (id: number, type: AvroType, value: unknown): Uint8Array => {
      let target = scratch
      let end = type.encode(value, target, headerLength)
      if (end < 0) {
        target = Buffer.allocUnsafeSlow(target.length - end)
        end = type.encode(value, target, headerLength)
        if (target.length <= scratchLimit) scratch = target
      }
      const frame = Buffer.allocUnsafe(end)
      target.copy(frame, headerLength, headerLength, end)
      frame[0] = 0
      frame.writeUInt32BE(id, 1)
      return frame
    },
  }
}
