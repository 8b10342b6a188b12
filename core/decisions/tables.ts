import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DecisionTable, Row } from './port.ts'

export const tableNames: readonly DecisionTable[] = ['events', 'decisions', 'attempts']

/** Columns in the order of `schemas/tables`; a test holds the two together. */
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
    'details',
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

/** Rows as JSONCompactEachRow: one array a line, in the order of `columns`; an absent value takes the default. */
export const compactRows = (table: DecisionTable, rows: readonly Row[]): string => {
  const names = columns[table]
  let text = ''
  for (const row of rows) {
    const values = names.map((name) => row[name] ?? null)
    text += `${JSON.stringify(values)}\n`
  }
  return text
}
