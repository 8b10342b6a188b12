import { clipped } from '../facts.ts'
import { failedStatus, maybeWritten, parseRetryAfter } from '../http.ts'
import {
  exchangeJson,
  fieldOf,
  isCutSuccess,
  type JsonResponse,
  malformed,
  textOf,
} from '../json.ts'
import type { ConnectorContext, Failed } from '../types.ts'

/** An answer as data, or the failure that the attempt ends with. */
export type Outcome<T> = { ok: T; status: number } | { failed: Failed }

export interface Issue {
  key: string
  /** Its status is of the category "done". */
  done: boolean
}

export interface JiraClient {
  /** `ok: undefined` when there is no such issue. */
  issue(key: string): Promise<Outcome<Issue | undefined>>
  /** By label; an index that lags, so only a fallback. */
  search(project: string, label: string): Promise<Outcome<Issue | undefined>>
  /** The key of the new issue; `ok: undefined` when the answer was too long to be read. */
  create(fields: Readonly<Record<string, unknown>>): Promise<Outcome<string | undefined>>
  comment(key: string, body: unknown): Promise<Outcome<true>>
  /** Takes the first transition into one of the categories; `ok: false` when the workflow has none. */
  transition(key: string, categories: readonly string[]): Promise<Outcome<boolean>>
}

/** JQL strings are quoted; backslash and quote are escaped within. */
export const jqlString = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

// Jira says what it refused in two places, and sometimes as an array.
const wordsOf = (data: JsonResponse['data']): string => {
  const messages = fieldOf(data, 'errorMessages')
  const errors = fieldOf(data, 'errors')
  const listed = Array.isArray(messages) ? messages.map(textOf) : []
  const named =
    typeof errors === 'object' && errors !== null
      ? Object.entries(errors).map(([field, text]) => `${field}: ${textOf(text)}`)
      : []
  return clipped([...listed, ...named].filter((word) => word !== '').join('; '), 300)
}

const failedOf = ({ response, data }: JsonResponse, now: number): Failed => {
  const failed = failedStatus(response, now)
  const words = wordsOf(data)
  const reset = Date.parse(response.headers['x-ratelimit-reset'] ?? '')
  const retryAfterMs =
    parseRetryAfter(response.headers['retry-after'], now) ??
    (response.status === 429 && !Number.isNaN(reset) ? Math.max(0, reset - now) : undefined)
  return {
    ...failed,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(words === '' ? {} : { error: `Jira answered ${response.status}: ${words}` }),
    ...(response.status === 400 && words !== '' ? { reason: 'jira_refused' } : {}),
    // A site that answers 410 was moved or closed; the destination stays, for people mend that.
    disable: false,
  }
}

const categoryOf = (status: unknown): string =>
  textOf(fieldOf(fieldOf(status, 'statusCategory'), 'key'))

const issueOf = (data: unknown): Issue | undefined => {
  const key = textOf(fieldOf(data, 'key'))
  const status = fieldOf(fieldOf(data, 'fields'), 'status')
  return key === '' ? undefined : { key, done: categoryOf(status) === 'done' }
}

export const createJiraClient = (
  context: ConnectorContext,
  baseUrl: string,
  authorization: string,
  signal: AbortSignal,
): JiraClient => {
  const root = `${baseUrl.replace(/\/+$/, '')}/rest/api/3`

  /**
   * One exchange. Credentials that are not accepted make a stranger of us, who is answered what strangers may see: no
   * issue, with 200 or 404. A header says so; it is what 401 is elsewhere.
   */
  const call = async (path: string, method: string, json?: unknown): Promise<JsonResponse> => {
    const answer = await exchangeJson(context, `${root}${path}`, {
      method,
      json,
      headers: { authorization },
      signal,
    })
    const { response } = answer
    const login = response.headers['x-seraph-loginreason'] ?? 'OK'
    if (/\bOK\b/.test(login) || !(good(answer) || response.status === 404)) return answer
    const words = `the credentials were not accepted: ${login}`
    return { response: { ...response, status: 401 }, data: { errorMessages: [words] } }
  }
  const failed = (answer: JsonResponse): { failed: Failed } => ({
    failed: failedOf(answer, context.now()),
  })
  const failedWrite = (answer: JsonResponse): { failed: Failed } => ({
    failed: maybeWritten(failedOf(answer, context.now())),
  })
  const good = ({ response: { status } }: JsonResponse): boolean => status >= 200 && status < 300
  const pathOf = (key: string): string => `/issue/${encodeURIComponent(key)}`

  return {
    async issue(key) {
      const answer = await call(`${pathOf(key)}?fields=status`, 'GET')
      const { status } = answer.response
      if (status === 404) return { ok: undefined, status }
      if (!good(answer)) return failed(answer)
      const issue = issueOf(answer.data)
      return issue === undefined ? { failed: malformed(answer.response) } : { ok: issue, status }
    },
    async search(project, label) {
      const jql = `project = ${jqlString(project)} AND labels = ${jqlString(label)} ORDER BY created DESC`
      const answer = await call('/search/jql', 'POST', { jql, maxResults: 1, fields: ['status'] })
      if (!good(answer)) return failed(answer)
      const issues = fieldOf(answer.data, 'issues')
      if (!Array.isArray(issues)) return { failed: malformed(answer.response) }
      return { ok: issueOf(issues[0]), status: answer.response.status }
    },
    async create(fields) {
      const answer = await call('/issue', 'POST', { fields })
      if (!good(answer)) return failedWrite(answer)
      if (isCutSuccess(answer.response, '{"'))
        return { ok: undefined, status: answer.response.status }
      const key = textOf(fieldOf(answer.data, 'key'))
      if (key === '') return { failed: malformed(answer.response) }
      return { ok: key, status: answer.response.status }
    },
    async comment(key, body) {
      const answer = await call(`${pathOf(key)}/comment`, 'POST', { body })
      if (!good(answer)) return failedWrite(answer)
      const said = textOf(fieldOf(answer.data, 'id')) !== ''
      if (!said && !isCutSuccess(answer.response, '{"'))
        return { failed: malformed(answer.response) }
      return { ok: true, status: answer.response.status }
    },
    async transition(key, categories) {
      const listed = await call(`${pathOf(key)}/transitions`, 'GET')
      if (!good(listed)) return failed(listed)
      const transitions = fieldOf(listed.data, 'transitions')
      if (!Array.isArray(transitions)) return { failed: malformed(listed.response) }
      const found = transitions.find((one) => categories.includes(categoryOf(fieldOf(one, 'to'))))
      const id = textOf(fieldOf(found, 'id'))
      if (id === '') return { ok: false, status: listed.response.status }
      const answer = await call(`${pathOf(key)}/transitions`, 'POST', { transition: { id } })
      return good(answer) ? { ok: true, status: answer.response.status } : failedWrite(answer)
    },
  }
}
