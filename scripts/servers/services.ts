import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { redisServer, registryJar } from './artifacts.ts'
import { freePorts, type ServerProcess, startProcess, waitUntil } from './process.ts'

/** A server with one process and one address. */
export interface Service {
  url: string
  process: ServerProcess
}

/** Called as soon as there is a process, before it is ready. */
type OnStart = (service: Service) => void

/** One request, one answer, or a rejection: proves that a Redis speaks. */
export const pingRedis = (url: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port || 6379) })
    socket.setTimeout(2_000, () => socket.destroy(new Error('Redis does not answer')))
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().startsWith('+PONG'))
    })
    socket.once('error', reject)
  })

export const pingRegistry = async (url: string): Promise<boolean> => {
  const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2_000) })
  return response.ok
}

const onePort = async (): Promise<number> => (await freePorts(1))[0] ?? 0

export const startRedis = async (
  dir: string,
  onStart: OnStart = () => undefined,
): Promise<Service> => {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const port = await onePort()
  const process = await startProcess(
    await redisServer(),
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
      ...['--appendonly', 'yes', '--save', '', '--daemonize', 'no'],
      // DEBUG SLEEP is how tests make it slow.
      ...['--enable-debug-command', 'local'],
    ],
    { cwd: dir, log: join(dir, 'redis.log') },
  )
  const url = `redis://127.0.0.1:${port}`
  onStart({ url, process })
  await waitUntil('Redis', () => pingRedis(url), { timeoutMs: 15_000, servers: [process] })
  return { url, process }
}

/** The schema registry, its contents in memory, speaking the API of Confluent's. */
export const startRegistry = async (
  dir: string,
  onStart: OnStart = () => undefined,
): Promise<Service> => {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const port = await onePort()
  const process = await startProcess(
    'java',
    [
      ...['-Xmx256m', '-XX:+UseSerialGC'],
      ...[`-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1'],
      ...['-Dquarkus.log.level=WARN', '-jar', await registryJar()],
    ],
    { cwd: dir, log: join(dir, 'registry.log') },
  )
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  onStart({ url, process })
  await waitUntil('Schema registry', () => pingRegistry(url), {
    timeoutMs: 60_000,
    servers: [process],
  })
  return { url, process }
}
