import { ClickHouseError, ClickHouseLogLevel, createClient } from 'clickhouse'
import { isZenhookError, ZenhookError } from '../../errors/index.ts'
import { failed, type Statement } from '../failure.ts'
import { guarded, queryLimits } from '../guard.ts'
import type { Decisions, Parameters } from '../port.ts'
import { columns, tableNames, tableSql } from '../tables.ts'

export interface ClickHouseOptions {
  /** `http://user:password@host:8123/database`; the database must exist. */
  url: string
  /** Of one request, ms; at least the bound of a user's statement. 30 s by default. */
  timeoutMs?: number
}

/** A ClickHouse server behind its official client. */
export const createClickHouseDecisions = (options: ClickHouseOptions): Decisions => {
  const { url, timeoutMs = 30_000 } = options
  const client = createClient({
    url,
    application: 'zenhook',
    request_timeout: timeoutMs,
    // Parameters go in the body: a thousand ids are more than a proxy takes of a URL, and no access log has them.
    use_multipart_params: true,
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  })
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  const run = async <T>(work: () => Promise<T>, statement: Statement = 'own'): Promise<T> => {
    if (closing !== undefined)
      throw new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', {
        message: 'The decisions store is closed',
      })
    const promise = work()
    underWay.add(promise)
    try {
      return await promise
    } catch (error) {
      throw failure(error, statement)
    } finally {
      underWay.delete(promise)
    }
  }

  const read = <R extends object>(
    query: string,
    parameters: Parameters = {},
    statement: Statement = 'own',
  ): Promise<readonly R[]> =>
    run(async () => {
      const result = await client.query({
        query,
        query_params: parameters,
        format: 'JSONEachRow',
        // A second fence around what the server may send, for servers that do not keep to theirs.
        ...(statement === 'query' && {
          abort_signal: AbortSignal.timeout((queryLimits.executionSeconds + 5) * 1_000),
        }),
      })
      return result.json<R>()
    }, statement)

  return {
    engine: 'clickhouse',
    ensureTables: async () => {
      for (const table of tableNames) {
        const query = await tableSql(table)
        await run(() => client.command({ query }))
      }
    },
    insert: async (table, rows) => {
      if (rows.length === 0) return
      const [first, ...others] = columns[table]
      if (first === undefined) return
      const work = () =>
        client.insert({
          table,
          values: rows,
          format: 'JSONCompactEachRow',
          columns: [first, ...others],
          clickhouse_settings: { async_insert: 0 },
        })
      await run(work, 'insert')
    },
    query: async (sql, parameters) => read(guarded(sql), parameters, 'query'),
    select: (sql, parameters) => read(sql, parameters),
    ping: async () => {
      const [row] = await read<{ version: string }>('SELECT version() AS version')
      return { version: row?.version ?? '' }
    },
    close: () => {
      closing ??= Promise.allSettled(underWay).then(() => client.close())
      return closing
    },
  }
}

const failure = (error: unknown, statement: Statement): ZenhookError => {
  if (isZenhookError(error)) return error
  const code = error instanceof ClickHouseError ? Number(error.code) : undefined
  return failed(code, error, statement)
}
