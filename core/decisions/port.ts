/**
 * The decisions store: ClickHouse, in process (chdb) or behind the official client. One SQL text for both.
 *
 * Promises, kept by every adapter and shown by `contract.ts`:
 * - Inserting the same rows twice leaves one of each (ReplacingMergeTree by id; reads use FINAL).
 * - `query` runs only what `guard.ts` lets pass, within its limits; `select` is for our own text alone.
 * - Parameters are typed, never spliced.
 * - Rejects with ZENHOOK_DECISIONS_UNAVAILABLE (retriable) when the engine does not answer.
 * - An insert rejects with _QUERY_FAILED for its rows alone; whatever else the engine says, it is _UNAVAILABLE.
 */
export interface Decisions {
  readonly engine: 'chdb' | 'clickhouse'
  /** Creates the tables of `schemas/tables` where missing. Idempotent. */
  ensureTables(): Promise<void>
  /** Resolves once the rows are stored. When it rejects their fate is unknown, and inserting them again is right. */
  insert(table: DecisionTable, rows: readonly Values[]): Promise<void>
  /** A user's SQL. Rejects with ZENHOOK_DECISIONS_QUERY_REFUSED or _QUERY_FAILED. */
  query<R extends object = Row>(sql: string, parameters?: Parameters): Promise<readonly R[]>
  /** Our own SQL: unguarded, so nothing of a user may be in it but by parameters. */
  select<R extends object = Row>(sql: string, parameters?: Parameters): Promise<readonly R[]>
  ping(): Promise<{ version: string }>
  /** Lets what is under way finish. Idempotent. */
  close(): Promise<void>
}

export type DecisionTable = 'events' | 'decisions' | 'attempts'

/** Column names to JSON values; times are whole milliseconds since the epoch. */
export type Row = Readonly<Record<string, unknown>>

/** One row to insert: values in the order of `columns` (tables.ts), `null` for the column's default. */
export type Values = readonly unknown[]

/** Named parameters fill `{name:Type}` of the SQL, as in ClickHouse. */
export type Parameters = Readonly<Record<string, string | number | readonly string[]>>
