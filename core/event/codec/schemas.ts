/**
 * Where Avro schemas live: files in `schemas/avro`, or a Confluent-compatible registry.
 * Both give ids that fit Confluent framing; `contract.ts` shows the promises.
 */
export interface Schemas {
  /**
   * Makes a schema known under a subject (`<topic>-value`) and gives its id; the same schema gives the same id.
   * Rejects with ZENHOOK_SCHEMAS_INCOMPATIBLE or ZENHOOK_SCHEMAS_UNAVAILABLE.
   */
  register(subject: string, schema: AvroSchema): Promise<number>
  /** The schema behind an id; cached for ever. Rejects with ZENHOOK_SCHEMAS_UNKNOWN_ID or _UNAVAILABLE. */
  get(id: number): Promise<AvroSchema>
  ping(): Promise<void>
  close(): Promise<void>
}

/** An Avro schema as parsed JSON: a record with a name and fields. */
export type AvroSchema = { type: 'record'; name: string; namespace?: string; fields: unknown[] } & {
  [attribute: string]: unknown
}
