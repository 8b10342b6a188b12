import avsc from 'avsc'
import { messageOf, ZenhookError } from '../../errors/index.ts'
import type { AvroSchema } from './schemas.ts'

export type AvroType = avsc.Type

/** Compiles a schema; throws ZENHOOK_SCHEMAS_INCOMPATIBLE when it is none. */
export const typeOf = (schema: AvroSchema): AvroType => {
  try {
    // avsc writes into what it is given.
    return avsc.Type.forSchema(structuredClone(schema) as avsc.Schema)
  } catch (error) {
    throw incompatible(`${schema.name} is no Avro schema: ${messageOf(error)}`, error)
  }
}

/** Backward compatibility: the new schema must read what the latest one wrote. */
export const requireReads = (subject: string, reader: AvroType, latest: AvroType): void => {
  try {
    reader.createResolver(latest)
  } catch (error) {
    throw incompatible(
      `The schema for ${subject} cannot read what the latest one wrote: ${messageOf(error)}`,
      error,
    )
  }
}

export const incompatible = (message: string, cause?: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_SCHEMAS_INCOMPATIBLE', { message, cause })
