import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Instance, instanceFile, tokenFile } from '../../cli/client.ts'

/** `zenhook start` in a process of its own. */
export interface Running extends Instance {
  token: string
  /** All that it wrote to its standard streams. */
  output(): string
  /** Asks it to end and waits; rejects when it takes longer than the grace. */
  stop(graceMs: number): Promise<number | null>
  /** Ends it at once, as a loss of power would. */
  kill(): Promise<void>
  api<T>(method: string, path: string, body?: unknown): Promise<T>
  /** Text of any page of the admin listener. */
  page(path: string): Promise<string>
}

export interface StartOptions {
  dataDir: string
  config: string
  chain: 'fused' | 'split'
  /** All by default. */
  roles?: string
  /** Servers and secrets; nothing else of our own environment gets through. */
  env: Readonly<Record<string, string>>
  /** How long it may take until it is ready; a minute by default. */
  startMs?: number
}

const entry = fileURLToPath(new URL('../../bin/zenhook.mjs', import.meta.url))

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const instanceOf = async (dataDir: string, pid: number): Promise<Instance | undefined> => {
  try {
    const found = JSON.parse(await readFile(join(dataDir, instanceFile), 'utf8')) as Instance
    // The file of an instance that was killed is still there.
    return found.pid === pid ? found : undefined
  } catch {
    return undefined
  }
}

const isReady = async ({ publicUrl, url }: Instance): Promise<boolean> => {
  try {
    // Without an ingress there is the admin listener alone.
    const listener = publicUrl === '' ? url : publicUrl
    return (await fetch(`${listener}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok
  } catch {
    return false
  }
}

export const startInstance = async (options: StartOptions): Promise<Running> => {
  const { dataDir, config, chain, roles = 'all', env, startMs = 60_000 } = options
  const child = spawn(
    process.execPath,
    [
      ...[entry, 'start', '--no-demo', '--config', config, '--data-dir', dataDir],
      ...['--port', '0', '--admin-port', '0', '--chain', chain, '--roles', roles],
      ...['--allow-private', '127.0.0.0/8'],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        LOG_LEVEL: 'debug',
        ...env,
      },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const kill = async (): Promise<void> => {
    if (ended(child)) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const insist = (): boolean => child.kill('SIGKILL')
  process.once('exit', insist)
  child.once('exit', () => process.off('exit', insist))
  const until = performance.now() + startMs
  for (;;) {
    const found = await instanceOf(dataDir, child.pid ?? 0)
    if (found !== undefined && (await isReady(found)))
      return running(child, found, dataDir, () => output, kill)
    if (ended(child)) throw new Error(`the instance ended with ${child.exitCode}:\n${output}`)
    if (performance.now() > until) {
      await kill()
      throw new Error(`the instance did not start within ${startMs} ms:\n${output}`)
    }
    await sleep(25)
  }
}

const running = async (
  child: ChildProcess,
  instance: Instance,
  dataDir: string,
  output: () => string,
  kill: () => Promise<void>,
): Promise<Running> => {
  const token = (await readFile(join(dataDir, tokenFile), 'utf8')).trim()
  const send = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(instance.url + path, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(30_000),
    })
  return {
    ...instance,
    token,
    output,
    kill,
    async stop(graceMs) {
      const gone = once(child, 'exit').then(() => true)
      child.kill('SIGINT')
      const inTime = ended(child) || (await Promise.race([gone, sleep(graceMs, false)]))
      if (!inTime) throw new Error(`the instance did not end within ${graceMs} ms:\n${output()}`)
      return child.exitCode
    },
    async api<T>(method: string, path: string, body?: unknown) {
      const response = await send(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    page: async (path) => {
      const response = await send(path)
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return response.text()
    },
  }
}
