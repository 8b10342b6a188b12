import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { type Instance, instanceFile, readInstance, tokenFile } from '../../cli/client.ts'

// A process per command takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

export const entry = fileURLToPath(new URL('../../bin/zenhook.mjs', import.meta.url))

export interface Outcome {
  code: number | null
  out: string
  err: string
}

export interface CommandOptions {
  /** Nothing else of our own environment gets through. */
  env?: Readonly<Record<string, string>>
  input?: string | Uint8Array
  cwd?: string
}

const launch = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd: string = process.cwd(),
) =>
  spawn(process.execPath, [entry, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })

/** What a child writes, as it comes. */
export const collected = (child: ChildProcess) => {
  const texts = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    texts.err += text
  })
  return texts
}

/** One command line in a process of its own, to its end. */
export const zenhook = async (
  args: readonly string[],
  { env, input = '', cwd }: CommandOptions = {},
): Promise<Outcome> => {
  const child = launch(args, env, cwd)
  const texts = collected(child)
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...texts }
}

export type Case = [args: string[], code: number, said: RegExp]

/** Each refused as it is said, with nothing for an answer. */
export const held = (cases: readonly Case[]) =>
  Promise.all(
    cases.map(async ([args, code, said]) => {
      const outcome = await zenhook(args)
      expect({ args, code: outcome.code, out: outcome.out }).toEqual({ args, code, out: '' })
      expect(outcome.err).toMatch(said)
    }),
  )

export const json = <T>({ out }: Outcome): T => JSON.parse(out) as T
export const jsonLines = <T>({ out }: Outcome): T[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)

/** Calls again until the answer is there; throws with the last one after the patience, ms. */
export const eventually = async <T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
  patienceMs = 30_000,
): Promise<T> => {
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(50)
  }
  throw new Error(`${what} did not come in ${patienceMs} ms`)
}

export interface Running {
  readonly instance: Instance
  readonly pid: number
  readonly token: string
  readonly texts: Readonly<{ out: string; err: string }>
  /** A request to the admin listener, with the token. */
  api(path: string, init?: RequestInit): Promise<Response>
  /** Sends the signal and gives the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

export interface StartOptions {
  dataDir: string
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** What it has to have written before it counts as started. */
  until?: (texts: { out: string; err: string }) => boolean
}

const running = new Set<ChildProcess>()

/** `zenhook start` on free ports, until the sample's story is told. */
export const start = async (options: StartOptions): Promise<Running> => {
  const { dataDir, args = ['--port', '0', '--admin-port', '0'], env } = options
  const { until = ({ out }) => out.includes('zenhook explain') } = options
  const child = launch(['start', '--data-dir', dataDir, ...args], env)
  running.add(child)
  child.stdin.end()
  const texts = collected(child)
  const gone = once(child, 'close').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  const instance = await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${texts.out}${texts.err}`)
    const found = await readInstance(dataDir)
    return found?.pid === child.pid && until(texts) ? found : undefined
  }, `${instanceFile} of ${dataDir}`)
  const token = (await readFile(join(dataDir, tokenFile), 'utf8')).trim()
  return {
    instance,
    pid: child.pid ?? 0,
    token,
    texts,
    api: (path, init = {}) =>
      fetch(instance.url + path, {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...init.headers },
      }),
    end: (signal) => {
      child.kill(signal)
      return gone
    },
  }
}

/** A folder of this test file; everything that still runs on it is ended with it. */
export const workspace = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-cli-'))
  return {
    folder,
    path: (name: string): string => join(folder, name),
    remove: async (): Promise<void> => {
      const gone = [...running].map((child) => once(child, 'close'))
      for (const child of running) child.kill('SIGKILL')
      await Promise.all(gone)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An admin listener that is played by the test: it gives the body, and may set status and headers. */
export const playedApi = async (answer: (url: URL, response: ServerResponse) => object) => {
  const api = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://api')
    const body = url.pathname === '/version' ? { instanceId: 'api' } : answer(url, response)
    response.end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
  return {
    url,
    /** A command line that asks it. */
    run: (...args: readonly string[]): Promise<Outcome> =>
      zenhook([...args, '--url', url], { env: { ZENHOOK_TOKEN: 'token' } }),
    close: async (): Promise<void> => {
      api.closeAllConnections()
      await new Promise((resolve) => api.close(resolve))
    },
  }
}

export interface Problem {
  type: string
  code: string
  status: number
  detail: string
  fix?: string
  request_id: string
  errors?: { pointer: string; detail: string }[]
}
/** The document of a refusal, held against its own answer. */
export const problemOf = async (response: Response): Promise<Problem> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = (await response.json()) as Problem
  expect(problem.status).toBe(response.status)
  expect(problem.request_id).toBe(response.headers.get('x-request-id'))
  return problem
}

/** Typed requests to `/v1` of an instance that may start later. */
export const requests = (running: () => Running) => ({
  read: async <T>(path: string): Promise<T> => {
    const response = await running().api(path)
    expect(response.status).toBe(200)
    return (await response.json()) as T
  },
  send: (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    running().api(path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
})
