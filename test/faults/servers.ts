import { join } from 'node:path'
import { redisServer, registryJar } from '../../scripts/servers/artifacts.ts'
import {
  endProcess,
  isAlive,
  type ServerProcess,
  startProcess,
  waitUntil,
} from '../../scripts/servers/process.ts'
import {
  pingRedis,
  pingRegistry,
  startRedis,
  startRegistry,
} from '../../scripts/servers/services.ts'

/** A server that is ended at once and comes back at its place. */
export interface Mortal {
  readonly url: string
  /** For signals: the process of now. */
  pid(): number
  alive(): boolean
  kill(): Promise<void>
  start(): Promise<void>
}

const mortal = (url: string, first: ServerProcess, again: () => Promise<ServerProcess>): Mortal => {
  let server = first
  return {
    url,
    pid: () => server.pid,
    alive: () => isAlive(server),
    kill: () => endProcess(server, 0),
    async start() {
      server = await again()
    },
  }
}

export const mortalRedis = async (dir: string): Promise<Mortal> => {
  const { url, process } = await startRedis(dir)
  return mortal(url, process, async () => {
    const server = await startProcess(
      await redisServer(),
      [
        ...['--port', new URL(url).port, '--bind', '127.0.0.1', '--dir', dir],
        ...['--appendonly', 'yes', '--save', '', '--daemonize', 'no'],
        ...['--enable-debug-command', 'local'],
      ],
      { cwd: dir, log: join(dir, 'redis.log') },
    )
    await waitUntil('Redis', () => pingRedis(url), { timeoutMs: 15_000, servers: [server] })
    return server
  })
}

/** Comes back empty: its contents are in memory. */
export const mortalRegistry = async (dir: string): Promise<Mortal> => {
  const { url, process } = await startRegistry(dir)
  return mortal(url, process, async () => {
    const server = await startProcess(
      'java',
      [
        ...['-Xmx256m', '-XX:+UseSerialGC'],
        ...[`-Dquarkus.http.port=${new URL(url).port}`, '-Dquarkus.http.host=127.0.0.1'],
        ...['-Dquarkus.log.level=WARN', '-jar', await registryJar()],
      ],
      { cwd: dir, log: join(dir, 'registry.log') },
    )
    await waitUntil('Schema registry', () => pingRegistry(url), {
      timeoutMs: 60_000,
      servers: [server],
    })
    return server
  })
}
