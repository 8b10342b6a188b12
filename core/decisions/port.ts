/**
 * The decisions store: ClickHouse, in process (chdb) or behind the official client. One SQL text for both.
 *
 * Promises, kept by every adapter and shown by `contract.ts`:
 * - Inserting the same rows twice leaves one of each (ReplacingMergeTree by id; reads use FINAL).
 * - `query` runs only what `guard.ts` lets pass, and parameters are typed, never spliced.
 * - Rejects with ZENHOOK_DECISIONS_UNAVAILABLE (retriable) when the engine does not answer.
 */
export interface Decisions {
  readonly engine: 'chdb' | 'clickhouse'
  /** Creates the tables of `schemas/tables` where missing. Idempotent. */
  ensureTables(): Promise<void>
  insert(table: DecisionTable, rows: readonly Row[]): Promise<void>
  /** Named parameters fill `{name:Type}` of the SQL, as in ClickHouse. Reads only. */
  query<R extends Row = Row>(
    sql: string,
    parameters?: Readonly<Record<string, string | number>>,
  ): Promise<readonly R[]>
  ping(): Promise<{ version: string }>
  close(): Promise<void>
}

export type DecisionTable = 'events' | 'decisions' | 'attempts'
export type Row = Readonly<Record<string, unknown>>
