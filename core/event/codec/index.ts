import type { Dead, DecisionSet, Dispatch, Event } from '../types.ts'

export { type CodecOptions, createCodec } from './codec.ts'
export type { AvroSchema, Schemas } from './schemas.ts'

/** A registry object as it lies in the topic `registry`; `spec` is JSON. */
export interface RegistryRecord {
  kind: string
  tenant: string
  name: string
  revision: string
  spec: string
}

/** What each kind of record carries; the Avro schema of a kind is `schemas/avro/<kind>.avsc`. */
export interface RecordKinds {
  event: Event
  dispatch: Dispatch
  decisions: DecisionSet
  dead: Dead
  registry: RegistryRecord
}

export type RecordKind = keyof RecordKinds

/**
 * Turns records into Avro in Confluent framing and back. Encoding is synchronous (schemas are
 * registered when the codec is made); decoding is synchronous for the ids seen before.
 */
export interface Codec {
  encode<K extends RecordKind>(kind: K, value: RecordKinds[K]): Uint8Array
  /**
   * Reads any version ever written: an unknown id is fetched once, then resolved to the present schema.
   * Rejects with ZENHOOK_SCHEMAS_UNKNOWN_ID or _BAD_FRAME (the record's fault), or _UNAVAILABLE (retriable).
   */
  decode<K extends RecordKind>(kind: K, bytes: Uint8Array): Promise<RecordKinds[K]> | RecordKinds[K]
}
