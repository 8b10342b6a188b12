import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process of ours: the pid alone is not enough, for the system gives it to others later. */
export interface ServerProcess {
  pid: number
  /** When the process of this pid began, in the system's own words. */
  born: string
  /** File with what it printed. */
  log: string
}

/** What the system says of a pid, or undefined when there is no such (living) process. */
const bornOf = (pid: number): string | undefined => {
  if (existsSync('/proc/self/stat')) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? undefined : fields[19]
    } catch {
      return undefined
    }
  }
  try {
    const line = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
    return line.trim() || undefined
  } catch {
    return undefined
  }
}

export const isAlive = (server: ServerProcess): boolean => bornOf(server.pid) === server.born

/** Starts a server that outlives us, its output in a file. */
export const startProcess = async (
  command: string,
  args: readonly string[],
  options: { cwd: string; log: string },
): Promise<ServerProcess> => {
  const output = openSync(options.log, 'a')
  try {
    const child = spawn(command, args, {
      cwd: options.cwd,
      detached: true,
      stdio: ['ignore', output, output],
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    const { pid } = child
    const born = pid === undefined ? undefined : bornOf(pid)
    if (pid === undefined || born === undefined)
      throw new Error(`${command} ended at once:\n${tail(options.log)}`)
    return { pid, born, log: options.log }
  } finally {
    closeSync(output)
  }
}

/** Sends a signal only if the pid is still that process. */
export const signal = (server: ServerProcess, name: NodeJS.Signals): boolean => {
  if (!isAlive(server)) return false
  try {
    return process.kill(server.pid, name)
  } catch {
    return false
  }
}

/** Ends exactly this process: asks first, then insists. Resolves once it is gone. */
export const endProcess = async (server: ServerProcess, graceMs = 5_000): Promise<void> => {
  if (graceMs > 0) {
    signal(server, 'SIGTERM')
    // A stopped process hears SIGTERM only once it goes on.
    signal(server, 'SIGCONT')
    const deadline = Date.now() + graceMs
    while (isAlive(server) && Date.now() < deadline) await sleep(50)
  }
  while (signal(server, 'SIGKILL')) await sleep(20)
}

export const tail = (file: string, lines = 15): string => {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}

/** Polls until `check` gives true; says what the server printed if it dies or the time is up. */
export const waitUntil = async (
  what: string,
  check: () => Promise<boolean>,
  options: { timeoutMs: number; servers: readonly ServerProcess[] },
): Promise<void> => {
  const deadline = Date.now() + options.timeoutMs
  let last: unknown
  for (;;) {
    const dead = options.servers.find((server) => !isAlive(server))
    if (dead) throw new Error(`${what}: process ${dead.pid} ended\n${tail(dead.log)}`)
    try {
      if (await check()) return
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) {
      const printed = options.servers.map((server) => tail(server.log, 5)).join('\n')
      throw new Error(`${what}: not ready after ${options.timeoutMs} ms\n${printed}`, {
        cause: last,
      })
    }
    await sleep(100)
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/**
 * Free ports of 127.0.0.1 that stay ours over a restart: below the range that systems hand out to
 * outgoing connections, or a client could sit on a killed broker's port.
 */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports = new Set<number>()
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 1_000) throw new Error('No free ports between 17000 and 32000')
    const port = 17_000 + Math.floor(Math.random() * 15_000)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}
