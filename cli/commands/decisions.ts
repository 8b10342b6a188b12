import { Command } from 'commander'
import { contextOf, readInput, withInstance } from '../context.ts'
import { listing } from '../output.ts'

type Row = Record<string, unknown>

const query = (): Command =>
  withInstance(new Command('query'))
    .description(
      'ClickHouse SQL (SELECT) over events, decisions and attempts; -o json gives one row a line',
    )
    .argument('<sql>', 'the statement, or - for standard input')
    .action(async (sql: string, _options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const statement = sql === '-' ? await readInput('-') : sql
      const { rows } = await (await client()).request<{ rows: readonly Row[] }>(
        'POST',
        '/v1/decisions/query',
        { sql: statement },
      )
      if (format === 'json') {
        streams.out(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
        return
      }
      const columns = Object.keys(rows[0] ?? {}).map((title) => ({
        title,
        value: (row: Row): unknown =>
          typeof row[title] === 'object' ? JSON.stringify(row[title]) : row[title],
      }))
      streams.out(listing(rows, columns, format))
    })

export const decisionsCommand = (): Command =>
  new Command('decisions').description('the decision tables').addCommand(query())
