import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import type { Session } from 'chdb'
import { isZenhookError, messageOf, ZenhookError } from '../../errors/index.ts'
import { failed, type Statement } from '../failure.ts'
import { guarded } from '../guard.ts'
import type { Decisions, Parameters } from '../port.ts'
import { columns, compactRows, tableNames, tableSql } from '../tables.ts'

export interface ChdbOptions {
  /** Folder of the engine, made where missing. One process owns it. */
  folder: string
}

/**
 * The ClickHouse engine in this process. Loaded on first use of this function: it takes about 300 MB.
 * Rejects with ZENHOOK_DECISIONS_LOCKED when another process has the folder open.
 */
export const createChdbDecisions = async ({ folder }: ChdbOptions): Promise<Decisions> => {
  if (!isMainThread)
    throw unavailable('The engine ends the process when it runs in a worker thread')
  await mkdir(folder, { recursive: true })
  const session = await open(folder)
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  const run = async <T>(work: () => Promise<T>, statement: Statement = 'own'): Promise<T> => {
    if (closing !== undefined) throw unavailable('The decisions store is closed')
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

  const read = async <R extends object>(
    sql: string,
    parameters: Parameters = {},
    statement: Statement = 'own',
  ): Promise<readonly R[]> => {
    const options = { format: 'JSONEachRow' }
    const result = await run(
      () =>
        Object.keys(parameters).length === 0
          ? session.queryAsync(sql, options)
          : session.queryBindAsync(sql, parameters, options),
      statement,
    )
    return rowsOf<R>(result.text())
  }

  return {
    engine: 'chdb',
    ensureTables: async () => {
      for (const table of tableNames) {
        const sql = await tableSql(table)
        await run(() => session.queryAsync(sql))
      }
    },
    insert: async (table, rows) => {
      if (rows.length === 0) return
      await run(async () => {
        const values = await compactRows(rows)
        await session.insert({
          table,
          values,
          format: 'JSONCompactEachRow',
          columns: columns[table],
        })
      }, 'insert')
    },
    query: async (sql, parameters) => read(guarded(sql), parameters, 'query'),
    select: (sql, parameters) => read(sql, parameters),
    ping: async () => {
      const [row] = await read<{ version: string }>('SELECT version() AS version')
      return { version: row?.version ?? '' }
    },
    close: () => {
      closing ??= Promise.allSettled(underWay).then(() => session.close())
      return closing
    },
  }
}

const open = async (folder: string): Promise<Session> => {
  const { Session } = await import('chdb')
  try {
    return new Session(folder)
  } catch (error) {
    // The engine tells the reason to standard error alone; its lock file names the owner.
    const owner = await ownerOf(folder)
    if (owner === undefined)
      throw unavailable(`The engine cannot open ${folder}: ${messageOf(error)}`, error)
    throw new ZenhookError('ZENHOOK_DECISIONS_LOCKED', {
      message: `Process ${owner} has ${folder} open`,
      details: { folder, pid: owner },
      cause: error,
    })
  }
}

const ownerOf = async (folder: string): Promise<number | undefined> => {
  try {
    const status = await readFile(join(folder, 'status'), 'utf8')
    const pid = Number(/PID: (\d+)/.exec(status)?.[1])
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

const rowsOf = <R extends object>(text: string): readonly R[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as R)

const failure = (error: unknown, statement: Statement): ZenhookError => {
  if (isZenhookError(error)) return error
  const code: unknown = error instanceof Error ? Reflect.get(error, 'clickhouseCode') : undefined
  return failed(typeof code === 'number' ? code : undefined, error, statement)
}

const unavailable = (message: string, cause?: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_DECISIONS_UNAVAILABLE', { message, cause, retriable: false })
