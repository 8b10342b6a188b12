import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseRetryAfter } from '../connectors/http.ts'
import { ZenhookError } from '../core/errors/index.ts'
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
const patienceMs = 120_000
const shortestWaitMs = 100

const optional = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}

const send = async (
  url: string,
  init: RequestInit,
  signal: AbortSignal | null = AbortSignal.timeout(60_000),
): Promise<Response> => {
  try {
    return await fetch(url, { ...init, redirect: 'error', signal })
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new ZenhookError('ZENHOOK_CLI_NO_INSTANCE', {
      message: `No instance answers at ${new URL(url).origin}`,
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

/** Finds the instance and checks that it is the one of the data folder before any token is sent. */
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
  if (options.url === undefined && instance !== undefined) {
    const answer = await send(`${url}/version`, {})
    const version = (await answer.json().catch(() => undefined)) as
      | { instanceId?: string }
      | undefined
    if (version?.instanceId !== instance.instanceId) {
      throw new ZenhookError('ZENHOOK_CLI_OTHER_INSTANCE', {
        message: `Another instance answers at ${url} than the one of ${options.dataDir}`,
      })
    }
  }
  const token = options.token ?? (await optional(join(options.dataDir, tokenFile)))?.trim()
  if (token === undefined || token === '') throw new ZenhookError('ZENHOOK_CLI_NO_TOKEN')

  /** 429 says that nothing was done: whatever it was, it is sent again once Retry-After is over. */
  const patiently = async (
    path: string,
    init: RequestInit,
    signal?: AbortSignal | null,
  ): Promise<Response> => {
    for (let patience = patienceMs; ; ) {
      const response = await send(url + path, init, signal)
      const after = response.headers.get('retry-after') ?? undefined
      const wished = response.status === 429 ? parseRetryAfter(after, Date.now()) : undefined
      if (wished === undefined || wished > patience) return response
      await response.body?.cancel()
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
      const response = await patiently(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T
      throw refusal(response.status, text)
    },
    async *lines<T>(path: string): AsyncGenerator<T> {
      const headers = { authorization: `Bearer ${token}` }
      // It takes as long as it takes; a connection that dies ends it.
      const response = await patiently(path, { headers }, null)
      if (!response.ok || response.body === null)
        throw refusal(response.status, await response.text())
      let rest = ''
      try {
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
          const lines = `${rest}${text}`.split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) if (line !== '') yield JSON.parse(line) as T
        }
      } catch (cause) {
        throw new ZenhookError('ZENHOOK_CLI_NO_INSTANCE', {
          message: `The instance at ${new URL(url).origin} went away before its answer was whole`,
          cause,
        })
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
    problem = JSON.parse(text) as Problem
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
