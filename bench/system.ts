import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { githubSecret, source, tenant } from './messages.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readyMs = 60_000
const endMs = 30_000

export interface SystemOptions {
  /** Folder of its own; made if missing. */
  folder: string
  /** Where events are delivered to. */
  sinkUrl: string
  /** Addresses of engines; an engine without one is embedded. */
  servers: Readonly<Record<string, string>>
  /** Ingress in a process of its own, the rest in another; needs a real log. */
  split: boolean
  /** More arguments of Node.js. */
  nodeArgs: readonly string[]
  /** Gets a CPU profile of each process when it ends. */
  profiles?: string
}

/** Zenhook as it is started by a user: compiled, its roles in one process or in two. */
export interface System {
  pids: readonly number[]
  /** Where the source's provider posts to. */
  url: string
  /** Folders that grow with the events, by what they hold. */
  folders: Readonly<Record<string, string>>
  /** What it warned of, by message. */
  warnings: ReadonlyMap<string, number>
  /** Runs a SELECT over the decision tables. */
  query(sql: string): Promise<readonly Record<string, unknown>[]>
  close(): Promise<void>
}

const configOf = (sinkUrl: string): string => `tenants:
  ${tenant}:
    sources:
      ${source}:
        provider: github
        secrets: [env:BENCH_GITHUB_SECRET]
    destinations:
      sink:
        connector: webhook
        config: { url: "${sinkUrl}" }
        allowPrivate: true
        secrets: { signing: env:BENCH_SIGNING_SECRET }
    routes:
      - name: pushes
        when: event.type == "push" && score.urgency >= 0.0
        to: [sink]
`

const engineVariable = /^(KAFKA|SCHEMA_REGISTRY|REDIS|CLICKHOUSE|DATABASE|OTEL)_/

/** The environment of this process without what would choose engines or change what is measured. */
const environment = (): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !engineVariable.test(name) &&
      !/^(ZENHOOK_|NODE_OPTIONS$|PORT$|HOST$|ADMIN_|PUBLIC_URL$|DATA_DIR$|LOG_LEVEL$)/.test(name),
  )
  return {
    ...Object.fromEntries(inherited),
    ZENHOOK_USE_DIST: '1',
    LOG_LEVEL: 'warn',
    BENCH_GITHUB_SECRET: githubSecret,
    BENCH_SIGNING_SECRET: `whsec_${Buffer.from(githubSecret).toString('base64')}`,
  }
}

/** Counts the warnings of a process; what is no line of its log goes on to our own output. */
const countWarnings = (output: Readable, warnings: Map<string, number>): void => {
  createInterface({ input: output }).on('line', (line) => {
    try {
      const { part, msg } = JSON.parse(line)
      const name = part === undefined ? String(msg) : `${part}: ${msg}`
      warnings.set(name, (warnings.get(name) ?? 0) + 1)
    } catch {
      process.stderr.write(`${line}\n`)
    }
  })
}

/** What `npm start` gives to Node.js. */
const startArgs = (): string[] => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [, args = ''] = /^node (.*)bin\/zenhook\.mjs start$/.exec(scripts.start) ?? []
  return args.split(' ').filter((arg) => arg !== '')
}

interface Started {
  pid: number
  data: string
  adminUrl: string
  publicUrl: string
  token: string
  close(): Promise<void>
}

const startProcess = async (
  options: SystemOptions,
  roles: string,
  config: string | undefined,
  warnings: Map<string, number>,
): Promise<Started> => {
  const { servers, profiles, nodeArgs } = options
  const data = join(options.folder, roles.replaceAll(',', '-'))
  await mkdir(data, { recursive: true })
  const child = spawn(
    process.execPath,
    [
      ...startArgs(),
      ...nodeArgs,
      ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]),
      ...['bin/zenhook.mjs', 'start', '--no-demo', '--data-dir', data, '--roles', roles],
      ...['--port', '0', '--admin-port', '0', '--allow-private', '127.0.0.0/8'],
      ...(config === undefined ? [] : ['--config', config]),
    ],
    { cwd: root, env: { ...environment(), ...servers }, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  countWarnings(child.stderr, warnings)
  const ended = once(child, 'exit')
  const { pid } = child
  if (pid === undefined) throw new Error('zenhook did not start')
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    const insist = setTimeout(() => child.kill('SIGKILL'), endMs)
    await ended
    clearTimeout(insist)
  }
  const deadline = Date.now() + readyMs
  for (;;) {
    if (child.exitCode !== null) throw new Error(`zenhook ended with ${child.exitCode}`)
    try {
      const instance = JSON.parse(await readFile(join(data, 'instance.json'), 'utf8'))
      const token = (await readFile(join(data, 'admin-token'), 'utf8')).trim()
      const { ok } = await fetch(`${instance.url}/readyz`, { signal: AbortSignal.timeout(2_000) })
      const { url: adminUrl, publicUrl } = instance
      if (ok) return { pid, data, adminUrl, publicUrl, token, close }
    } catch {
      // It is not there yet.
    }
    if (Date.now() > deadline) {
      await close()
      throw new Error(`zenhook was not ready after ${readyMs / 1_000} s`)
    }
    await sleep(100)
  }
}

const queryAt =
  ({ adminUrl, token }: Started): System['query'] =>
  async (sql) => {
    const response = await fetch(`${adminUrl}/v1/decisions/query`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sql }),
    })
    if (!response.ok) throw new Error(`the decision tables answered ${await response.text()}`)
    const { rows } = (await response.json()) as { rows: Record<string, unknown>[] }
    return rows
  }

export const startSystem = async (options: SystemOptions): Promise<System> => {
  const config = join(options.folder, 'zenhook.yaml')
  await mkdir(options.folder, { recursive: true })
  await writeFile(config, configOf(options.sinkUrl))
  const warnings = new Map<string, number>()
  const main = await startProcess(
    options,
    options.split ? 'processors,connectors,sink,api' : 'all',
    config,
    warnings,
  )
  const started = [main]
  try {
    if (options.split) started.unshift(await startProcess(options, 'ingress', undefined, warnings))
  } catch (error) {
    await main.close()
    throw error
  }
  return {
    pids: started.map(({ pid }) => pid),
    url: `${started[0]?.publicUrl}/in/${tenant}/${source}`,
    folders: { log: join(main.data, 'log'), decisions: join(main.data, 'decisions') },
    warnings,
    query: queryAt(main),
    close: async () => {
      for (const each of started) await each.close()
    },
  }
}
