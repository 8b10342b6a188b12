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

/** Defaults count (they matter to a reader), documentation does not. */
export const sameSchema = (one: AvroType, other: AvroType): boolean =>
  one.equals(other) && JSON.stringify(withDefaults(one)) === JSON.stringify(withDefaults(other))

const withDefaults = (type: AvroType): unknown => type.schema({ exportAttrs: true })

/**
 * Compatibility both ways, as FULL in a registry: the new schema must read what an earlier one wrote, and
 * the earlier one what the new one writes, for processes of both versions run side by side in an upgrade.
 */
export const requireCompatible = (subject: string, next: AvroType, earlier: AvroType): void => {
  const check = (reader: AvroType, writer: AvroType, what: string): void => {
    try {
      reader.createResolver(writer)
    } catch (error) {
      throw incompatible(`The schema for ${subject} ${what}: ${messageOf(error)}`, error)
    }
  }
  check(next, earlier, 'cannot read what an earlier one wrote')
  check(earlier, next, 'writes what an earlier one cannot read')
}

export const incompatible = (message: string, cause?: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_SCHEMAS_INCOMPATIBLE', { message, cause })
