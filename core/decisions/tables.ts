import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { DecisionTable, Row, Values } from './port.ts'

export const tableNames: readonly DecisionTable[] = ['events', 'decisions', 'attempts']

/** Columns that are stored, in the order of `schemas/tables`; a test holds the two together. */
export const columns: Readonly<Record<DecisionTable, readonly string[]>> = {
  events: [
    'tenant',
    'id',
    'source',
    'type',
    'provider',
    'dedupe_key',
    'delivery_id',
    'received_at',
    'size',
    'content_type',
    'scheme',
    'traceparent',
    'topic',
    'partition',
    'offset',
  ],
  decisions: [
    'tenant',
    'event_id',
    'decision_id',
    'stage',
    'verdict',
    'reason',
    'score',
    'model',
    'route',
    'destination',
    'attempt',
    'at',
    'took_ms',
    'details_text',
    'source',
    'type',
    'received_at',
    'run',
    'dispatch_id',
    'version',
  ],
  attempts: [
    'tenant',
    'event_id',
    'dispatch_id',
    'destination',
    'connector',
    'attempt',
    'at',
    'outcome',
    'status',
    'took_ms',
    'error',
    'external_id',
    'possible_duplicate',
    'run',
    'source',
    'type',
    'received_at',
  ],
}

/** `schemas/tables` of this package, found from a checkout and from compiled output alike. */
export const tablesFolder = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (
    !existsSync(join(folder, 'package.json')) ||
    !existsSync(join(folder, 'schemas', 'tables'))
  ) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('schemas/tables is missing from the package')
    folder = parent
  }
  return join(folder, 'schemas', 'tables')
}

export const tableSql = async (table: DecisionTable): Promise<string> =>
  (await readFile(join(tablesFolder(), `${table}.sql`), 'utf8')).trim()

/** The values of a row by names; what it does not name takes the column's default. */
export const valuesOf = (table: DecisionTable, row: Row): Values =>
  columns[table].map((name) => row[name] ?? null)

/** What is made of rows before others have their turn: an insert may bring thousands of them. */
const stepRows = 500

/** Rows as JSONCompactEachRow: one array a line. */
export const compactRows = async (rows: readonly Values[]): Promise<Buffer> => {
  const parts: Buffer[] = []
  for (let from = 0; from < rows.length; from += stepRows) {
    if (from > 0) await turn()
    let text = ''
    for (const values of rows.slice(from, from + stepRows)) text += `${JSON.stringify(values)}\n`
    parts.push(Buffer.from(text))
  }
  return Buffer.concat(parts)
}
