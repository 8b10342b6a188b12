import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseRetryAfter } from '../connectors/http.ts'
import { isZenhookError, ZenhookError } from '../core/errors/index.ts'
import { codeOfPage, type ProblemDetail } from '../core/errors/problem.ts'
import { usage } from './output.ts'

/** What a running instance writes into its data folder. */
export interface Instance {
  /** Admin listener. */
  url: string
  /** Public listener. */
  publicUrl: string
  instanceId: string
  pid: number
  version: string
}

export const instanceFile = 'instance.json'
export const tokenFile = 'admin-token'

export interface ClientOptions {
  url?: string
  dataDir: string
  token?: string
  /** Of the whole answer to a request, ms; a minute by default. */
  patienceMs?: number
  /** A request waits so long, ms, for the instance takes no more now; 0 when it goes on. */
  onWait?: (ms: number) => void
}

/** Talks to the admin listener of one instance, found by `--url` or by the data folder. */
export interface Client {
  readonly url: string
  request<T>(method: string, path: string, body?: unknown): Promise<T>
  /** An answer of one JSON object a line, as it comes. */
  lines<T>(path: string): AsyncIterable<T>
}

/** So long a request waits in all for an instance that asks it to come later. */
const longestWaitMs = 120_000
const shortestWaitMs = 100

const optional = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}

const changing: ReadonlySet<string | undefined> = new Set(['POST', 'PUT', 'DELETE'])

/** Why there is no answer: it takes too long, or nobody is there (any more). */
const unanswered = (url: string, { method }: RequestInit, error: unknown, otherwise: string) => {
  const { origin, pathname } = new URL(url)
  if (error instanceof Error && error.name === 'TimeoutError') {
    const late = `The instance at ${origin} did not answer ${method ?? 'GET'} ${pathname} in time`
    return changing.has(method)
      ? new ZenhookError('ZENHOOK_CLI_TIMEOUT', {
          message: `${late}; it may do all of it nevertheless`,
          fix: 'See whether it was done before you ask for it again',
        })
      : new ZenhookError('ZENHOOK_CLI_TIMEOUT', { message: late })
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return new ZenhookError('ZENHOOK_CLI_NO_INSTANCE', { message: otherwise, cause })
}

const wentAway = (url: string): string =>
  `The instance at ${new URL(url).origin} went away before its answer was whole`

const send = async (url: string, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, { ...init, redirect: 'error' })
  } catch (error) {
    throw unanswered(url, init, error, `No instance answers at ${new URL(url).origin}`)
  }
}

interface Answer extends Pick<Response, 'ok' | 'status' | 'headers'> {
  text: string
}

const exchange = async (
  url: string,
  init: RequestInit,
  patienceMs: number = 60_000,
): Promise<Answer> => {
  const limited = { ...init, signal: AbortSignal.timeout(patienceMs) }
  const response = await send(url, limited)
  try {
    const { ok, status, headers } = response
    return { ok, status, headers, text: await response.text() }
  } catch (error) {
    throw unanswered(url, init, error, wentAway(url))
  }
}

/** JSON of an instance; whoever answers otherwise is none. */
const parsed = <T>(url: string, text: string): T => {
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw new ZenhookError('ZENHOOK_CLI_NOT_ADMIN', {
      message: `${new URL(url).origin} answered with something that is no JSON`,
      cause,
    })
  }
}

/** What the instance of a data folder wrote last; `undefined` where none has, or not in our form. */
export const readInstance = async (dataDir: string): Promise<Instance | undefined> => {
  const stored = await optional(join(dataDir, instanceFile))
  if (stored === undefined) return undefined
  try {
    const instance = JSON.parse(stored) as Partial<Instance> | null
    return typeof instance?.url === 'string' && typeof instance.instanceId === 'string'
      ? (instance as Instance)
      : undefined
  } catch {
    return undefined
  }
}

const parsedUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text
  throw usage(`--url '${text}' is not a URL such as http://127.0.0.1:8081`)
}

/** The id that an admin listener tells, and no other listener. */
const instanceIdOf = (text: string): string | undefined => {
  try {
    const { instanceId } = Object(JSON.parse(text)) as { instanceId?: unknown }
    return typeof instanceId === 'string' ? instanceId : undefined
  } catch {
    return undefined
  }
}

/** Asks before any token is sent: that it is the instance of the folder, or under `--url` an admin listener. */
const checkInstance = async (
  url: string,
  { url: asked, dataDir }: ClientOptions,
  instance: Instance | undefined,
): Promise<void> => {
  const { status, text } = await exchange(`${url}/version`, {})
  const instanceId = instanceIdOf(text)
  if (asked !== undefined && instanceId === undefined) {
    const refused = refusal(status, text)
    // It is one, and says itself what it does not like.
    if (refused.code.startsWith('ZENHOOK_API_')) throw refused
    const isOurs = instance !== undefined && instance.publicUrl === url
    throw new ZenhookError('ZENHOOK_CLI_NOT_ADMIN', {
      message: `${url} is not the admin listener of an instance; no token was sent to it`,
      ...(isOurs ? { fix: `Use --url ${instance.url}: ${url} is its public listener` } : {}),
    })
  }
  if (asked === undefined && instanceId !== instance?.instanceId) {
    throw new ZenhookError('ZENHOOK_CLI_OTHER_INSTANCE', {
      message: `Another instance answers at ${url} than the one of ${dataDir}`,
    })
  }
}

/** Finds the instance, by `--url` or by the data folder. */
export const connect = async (options: ClientOptions): Promise<Client> => {
  const instance = await readInstance(options.dataDir)
  const url = (options.url === undefined ? instance?.url : parsedUrl(options.url))?.replace(
    /\/$/,
    '',
  )
  if (url === undefined) {
    throw new ZenhookError('ZENHOOK_CLI_NO_INSTANCE', {
      message: `No instance runs on the data folder ${options.dataDir}`,
    })
  }
  await checkInstance(url, options, instance)
  const token = options.token ?? (await optional(join(options.dataDir, tokenFile)))?.trim()
  if (token === undefined || token === '') throw new ZenhookError('ZENHOOK_CLI_NO_TOKEN')
  const authorization = `Bearer ${token}`

  /** 429 says that nothing was done: whatever it was, it is sent again once Retry-After is over. */
  const patiently = async <A extends Answer | Response>(ask: () => Promise<A>): Promise<A> => {
    for (let patience = longestWaitMs; ; ) {
      const answer = await ask()
      const after = answer.headers.get('retry-after') ?? undefined
      const wished = answer.status === 429 ? parseRetryAfter(after, Date.now()) : undefined
      if (wished === undefined || wished > patience) return answer
      if ('body' in answer) await answer.body?.cancel()
      const wait = Math.max(shortestWaitMs, wished)
      patience -= wait
      options.onWait?.(wait)
      await sleep(wait)
      options.onWait?.(0)
    }
  }

  return {
    url,
    request: async <T>(method: string, path: string, body?: unknown): Promise<T> => {
      const headers = {
        authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }
      const init = {
        ...{ method, headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }
      const { ok, status, text } = await patiently(() =>
        exchange(url + path, init, options.patienceMs),
      )
      if (ok) return text === '' ? (undefined as T) : parsed<T>(url, text)
      throw refusal(status, text)
    },
    async *lines<T>(path: string): AsyncGenerator<T> {
      // It takes as long as it takes; a connection that dies ends it.
      const response = await patiently(() => send(url + path, { headers: { authorization } }))
      if (!response.ok || response.body === null)
        throw refusal(response.status, await response.text())
      let rest = ''
      try {
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
          const lines = `${rest}${text}`.split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) if (line !== '') yield parsed<T>(url, line)
        }
      } catch (error) {
        if (isZenhookError(error)) throw error
        throw unanswered(url, {}, error, wentAway(url))
      }
    },
  }
}

interface Problem {
  detail?: string
  title?: string
  code?: string
  fix?: string
  errors?: readonly ProblemDetail[]
}

/** The instance's refusal as if it had been raised here: with its own code, advice and places. */
const refusal = (status: number, text: string): ZenhookError => {
  let problem: Problem
  try {
    problem = Object(JSON.parse(text)) as Problem
  } catch {
    return new ZenhookError('ZENHOOK_CLI_REFUSED', {
      message: `It answered ${status} with something that is no problem document: is it Zenhook?`,
    })
  }
  const { code = '', detail, title, fix, errors = [] } = problem
  return new ZenhookError(codeOfPage(code) ?? 'ZENHOOK_CLI_REFUSED', {
    message: detail ?? title ?? `The instance answered ${status}`,
    ...(fix === undefined ? {} : { fix }),
    details: { status, errors },
  })
}
