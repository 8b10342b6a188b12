import { clipped } from '../facts.ts'
import { failedStatus, maybeWritten } from '../http.ts'
import {
  exchangeJson,
  fieldOf,
  isCutSuccess,
  type JsonResponse,
  malformed,
  textOf,
} from '../json.ts'
import type { ConnectorContext, Failed } from '../types.ts'
import type { Auth } from './auth.ts'

export type Outcome<T> = { ok: T; status: number } | { failed: Failed }
export type Fields = Readonly<Record<string, string>>

export interface Row {
  sysId: string
  number: string
  state: string
}

export interface TableClient {
  /** `ok: undefined` when there is no such record. */
  get(sysId: string): Promise<Outcome<Row | undefined>>
  /** Newest by correlation id. */
  search(correlationId: string): Promise<Outcome<Row | undefined>>
  /** `ok: undefined` when it was made, and the answer was too long to be read. */
  create(fields: Fields): Promise<Outcome<Row | undefined>>
  update(sysId: string, fields: Fields): Promise<Outcome<Row | undefined>>
}

/** `^` joins conditions of an encoded query; doubled, it is a character. */
export const queryValue = (text: string): string => text.replaceAll('^', '^^')

const rowOf = (result: unknown): Row | undefined => {
  const sysId = textOf(fieldOf(result, 'sys_id'))
  if (sysId === '') return undefined
  return {
    sysId,
    number: textOf(fieldOf(result, 'number')),
    state: textOf(fieldOf(result, 'state')),
  }
}

const wordsOf = (data: JsonResponse['data']): string => {
  const error = fieldOf(data, 'error')
  const words = [textOf(error), textOf(fieldOf(error, 'message')), textOf(fieldOf(error, 'detail'))]
  return clipped(words.filter((word) => word !== '').join(': '), 300)
}

export const createTableClient = (
  context: ConnectorContext,
  root: string,
  table: string,
  auth: Auth,
  signal: AbortSignal,
): TableClient => {
  const base = `${root}/api/now/table/${table}`
  const columns = 'sysparm_fields=sys_id,number,state'

  const refused = (status: number, error: string, retriable = false): { failed: Failed } => ({
    failed: { kind: 'failed', reason: 'servicenow_refused', status, retriable, error },
  })

  /** One exchange; a refused token is renewed once. */
  const call = async (
    path: string,
    method: string,
    json?: unknown,
  ): Promise<JsonResponse | { failed: Failed }> => {
    for (let renewed = false; ; renewed = true) {
      const credentials = await auth.header(context, signal)
      if ('failed' in credentials) return credentials
      const { header } = credentials
      const answer = await exchangeJson(context, `${base}${path}`, {
        method,
        json,
        headers: { authorization: header },
        signal,
      })
      if (answer.response.status !== 401 || renewed || !auth.refused(header)) return answer
    }
  }

  const failedOf = ({ response, data }: JsonResponse): Failed => {
    const { status, headers } = response
    const words = wordsOf(data)
    const failed = failedStatus(response, context.now())
    const reset = Number(headers['x-ratelimit-reset'])
    return {
      ...failed,
      ...(failed.retryAfterMs === undefined && status === 429 && reset > 0
        ? { retryAfterMs: Math.max(0, reset * 1000 - context.now()) }
        : {}),
      ...(words === '' ? {} : { error: `ServiceNow answered ${status}: ${words}` }),
      disable: false,
    }
  }

  /** The `result` of an answer; errors also come inside of 2xx. */
  const resultOf = (answer: JsonResponse): Outcome<unknown> => {
    const { response, data } = answer
    const { status } = response
    if (status < 200 || status >= 300) return { failed: failedOf(answer) }
    const words = wordsOf(data)
    if (words !== '' || fieldOf(data, 'status') === 'failure') {
      const retriable = /rate limit|transaction cancelled|maximum execution time/i.test(words)
      return refused(status, `ServiceNow refused within ${status}: ${words}`, retriable)
    }
    // A sleeping instance answers 200 with a page for people.
    const result = fieldOf(data, 'result')
    return result === undefined ? { failed: malformed(response) } : { ok: result, status }
  }

  const write = async (
    path: string,
    method: string,
    fields: Fields,
  ): Promise<Outcome<Row | undefined>> => {
    const answer = await call(`${path}?sysparm_fields=sys_id,number`, method, fields)
    if ('failed' in answer) return answer
    const { status } = answer.response
    if (isCutSuccess(answer.response, '{"result"')) return { ok: undefined, status }
    const result = resultOf(answer)
    if ('failed' in result) return { failed: maybeWritten(result.failed) }
    const row = rowOf(result.ok)
    return row === undefined ? { failed: malformed(answer.response) } : { ok: row, status }
  }

  return {
    async get(sysId) {
      const answer = await call(`/${encodeURIComponent(sysId)}?${columns}`, 'GET')
      if ('failed' in answer) return answer
      if (answer.response.status === 404) return { ok: undefined, status: 404 }
      const result = resultOf(answer)
      return 'failed' in result ? result : { ok: rowOf(result.ok), status: result.status }
    },
    async search(correlationId) {
      const query = `correlation_id=${queryValue(correlationId)}^ORDERBYDESCsys_created_on`
      const answer = await call(
        `?sysparm_query=${encodeURIComponent(query)}&sysparm_limit=1&${columns},correlation_id`,
        'GET',
      )
      if ('failed' in answer) return answer
      const result = resultOf(answer)
      if ('failed' in result) return result
      const { status } = result
      if (!Array.isArray(result.ok)) return { failed: malformed(answer.response) }
      const [first]: unknown[] = result.ok
      // Rows that the account may not read are taken out after they were counted.
      if (first === undefined && Number(answer.response.headers['x-total-count']) > 0) {
        return refused(status, `The account may not read the records of ${table} that were found`)
      }
      // A condition on a column that is not there is ignored: what is found then is anybody's.
      if (first !== undefined && fieldOf(first, 'correlation_id') !== correlationId) {
        return refused(status, `The table ${table} has no correlation_id, or none that can be read`)
      }
      return { ok: rowOf(first), status }
    },
    create: (fields) => write('', 'POST', fields),
    update: (sysId, fields) => write(`/${encodeURIComponent(sysId)}`, 'PATCH', fields),
  }
}
