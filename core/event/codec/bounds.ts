import avsc from 'avsc'

/**
 * Walks encoded bytes by their schema before they are decoded: every length and count must fit into
 * what is left, and nothing may be left over. avsc reads past the end and only looks at the end whether
 * it did, so a corrupt count would make it build values until memory is gone.
 */
export type BoundsCheck = (bytes: Uint8Array, start: number) => void

interface Cursor {
  bytes: Uint8Array
  at: number
  depth: number
}
type Skip = (cursor: Cursor) => void

const maxDepth = 64
/** Of items that take no bytes (null, empty records), whose count is bounded by nothing else. */
const maxEmptyItems = 65_536

export const createBoundsCheck = (type: avsc.Type): BoundsCheck => {
  const skip = skipperOf(type, new Map())
  return (bytes, start) => {
    const cursor = { bytes, at: start, depth: 0 }
    skip(cursor)
    if (cursor.at !== bytes.length)
      throw new RangeError(`${bytes.length - cursor.at} bytes left over`)
  }
}

const take = (cursor: Cursor, length: number): void => {
  if (!(length >= 0 && length <= cursor.bytes.length - cursor.at))
    throw new RangeError(`a value of ${length} bytes at ${cursor.at} of ${cursor.bytes.length}`)
  cursor.at += length
}

const readLong = (cursor: Cursor): number => {
  let value = 0
  let scale = 1
  for (let count = 0; count < 10; count += 1) {
    const byte = cursor.bytes[cursor.at]
    if (byte === undefined) throw new RangeError('a number past the end')
    cursor.at += 1
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    scale *= 128
  }
  throw new RangeError('a number of more than ten bytes')
}

const skipperOf = (type: avsc.Type, known: Map<avsc.Type, Skip>): Skip => {
  const met = known.get(type)
  if (met !== undefined) return met
  // Set before its parts are compiled, for a schema may contain itself.
  let skip: Skip = () => undefined
  known.set(type, (cursor) => skip(cursor))
  skip = compile(type, (part) => skipperOf(part, known))
  known.set(type, skip)
  return skip
}

const compile = (type: avsc.Type, partOf: (part: avsc.Type) => Skip): Skip => {
  if (type instanceof avsc.types.RecordType) {
    const skips = type.fields.map((field) => partOf(field.type))
    return nested((cursor) => {
      for (const skip of skips) skip(cursor)
    })
  }
  if (type instanceof avsc.types.ArrayType) return blocks(partOf(type.itemsType))
  if (type instanceof avsc.types.MapType) {
    const value = partOf(type.valuesType)
    return blocks((cursor) => {
      take(cursor, readLong(cursor))
      value(cursor)
    })
  }
  if (
    type instanceof avsc.types.WrappedUnionType ||
    type instanceof avsc.types.UnwrappedUnionType
  ) {
    const skips = [...type.types].map(partOf)
    return (cursor) => {
      const skip = skips[readLong(cursor)]
      if (skip === undefined) throw new RangeError('an unknown branch of a union')
      skip(cursor)
    }
  }
  if (type instanceof avsc.types.FixedType) {
    const { size } = type
    return (cursor) => take(cursor, size)
  }
  return primitive(type.typeName)
}

const primitive = (name: string): Skip => {
  switch (name) {
    case 'null':
      return () => undefined
    case 'boolean':
      return (cursor) => take(cursor, 1)
    case 'float':
      return (cursor) => take(cursor, 4)
    case 'double':
      return (cursor) => take(cursor, 8)
    case 'string':
    case 'bytes':
      return (cursor) => take(cursor, readLong(cursor))
    case 'int':
    case 'long':
    case 'enum':
      return (cursor) => {
        readLong(cursor)
      }
    default:
      throw new TypeError(`the Avro type ${name} is not supported`)
  }
}

const nested =
  (skip: Skip): Skip =>
  (cursor) => {
    cursor.depth += 1
    if (cursor.depth > maxDepth) throw new RangeError('nested too deeply')
    skip(cursor)
    cursor.depth -= 1
  }

const blocks = (item: Skip): Skip =>
  nested((cursor) => {
    let empty = 0
    for (;;) {
      let count = readLong(cursor)
      if (count === 0) return
      if (count < 0) {
        count = -count
        const size = readLong(cursor)
        if (!(size >= 0 && size <= cursor.bytes.length - cursor.at))
          throw new RangeError('a block past the end')
      }
      for (let done = 0; done < count; done += 1) {
        const before = cursor.at
        item(cursor)
        if (cursor.at === before) {
          empty += 1
          if (empty > maxEmptyItems) throw new RangeError('too many empty items')
        }
      }
    }
  })
