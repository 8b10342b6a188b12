import { functionNames } from './guard/functions.ts'
import { queryLimits } from './guard.ts'
import { tableNames, tableSql } from './tables.ts'

/** The reference of the tables and of what a statement may use, as Markdown. */
export const tablesReference = async (): Promise<string> => {
  const parts = [introduction]
  for (const table of tableNames) parts.push(tableSection(table, await tableSql(table)))
  parts.push(statements(), retention)
  return `${parts.join('\n\n')}\n`
}

const introduction = `# Decision tables

ClickHouse holds what every step decided about every event, with the same tables and the same SQL in the
embedded engine and on a server. \`zenhook decisions query 'SQL'\` reads them.

Columns are stable: new ones may come, none goes or changes its meaning within a major version. Times are
UTC with milliseconds. A row that is written again (after a crash, or a copy in the log) replaces its
earlier copy; reads see one of each.`

const columnLine = /^ {4}(\w+) (.+?) COMMENT '((?:[^']|'')*)',?$/gm

const tableSection = (table: string, sql: string): string => {
  const comment = /^COMMENT '((?:[^']|'')*)'/m.exec(sql)?.[1] ?? ''
  const order = /^ORDER BY \((.+)\)$/m.exec(sql)?.[1] ?? ''
  const rows = [...sql.matchAll(columnLine)].map(
    ([, name = '', type = '', text = '']) =>
      `| \`${name}\` | \`${type}\` | ${text.replaceAll("''", "'")} |`,
  )
  return [
    `## \`${table}\``,
    `${comment} One row per \`${order}\`.`,
    ['| column | type | what it holds |', '|---|---|---|', ...rows].join('\n'),
  ].join('\n\n')
}

const named = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(' ')

const statements = (): string => `## Statements

One \`SELECT\` over these tables passes: with CTEs, subqueries, joins, \`UNION\` and window functions.
Everything else is refused with ZENHOOK_DECISIONS_QUERY_REFUSED: other tables and databases, table functions,
\`INTO OUTFILE\`, \`FORMAT\`, \`SETTINGS\`, and functions that are not listed here. A statement runs for at most ${queryLimits.executionSeconds} s and gives at most ${queryLimits.resultRows.toLocaleString('en')} rows; narrow it by
\`received_at\`, which is what the tables are ordered by. \`FINAL\` is applied by itself.

\`\`\`sql
SELECT stage, reason, count() AS n FROM decisions
WHERE verdict = 'drop' AND received_at > now() - INTERVAL 1 DAY GROUP BY ALL ORDER BY n DESC
\`\`\`

\`\`\`sql
SELECT destination, quantile(0.99)(took_ms) AS p99, countIf(outcome = 'dead') AS dead FROM attempts
GROUP BY destination
\`\`\`

Aggregate functions (also with \`If\`, \`Distinct\`, \`OrNull\`, \`OrDefault\`): ${named(functionNames.aggregates)}

Functions: ${named(functionNames.scalars)}`

const retention = `## Retention

Rows are kept for ever unless the operator gives the tables a life. Tables are partitioned by month of
\`received_at\`, so that old months go cheaply; on a server:

\`\`\`sql
ALTER TABLE events MODIFY TTL toDateTime(received_at) + INTERVAL 180 DAY;
ALTER TABLE decisions MODIFY TTL toDateTime(received_at) + INTERVAL 180 DAY;
ALTER TABLE attempts MODIFY TTL toDateTime(received_at) + INTERVAL 180 DAY;
\`\`\``
