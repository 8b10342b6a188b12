import { connect } from 'node:net'
import { isAlive } from '../scripts/servers/process.ts'
import { pingRedis, pingRegistry } from '../scripts/servers/services.ts'
import { readState } from '../scripts/servers/state.ts'

export interface TestServers {
  /** host:port of each broker. */
  kafka?: string[]
  redis?: string
  /** Base URL of the Confluent API. */
  registry?: string
  /** Why some are missing; absent when all answer. */
  reason?: string
}

const canDial = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(`tcp://${address}`)
    const socket = connect({ host: hostname, port: Number(port) })
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2_000, () => done(false))
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })

const answers = (check: Promise<boolean>): Promise<boolean> => check.catch(() => false)

const setting = (name: string): string | undefined => process.env[name] || undefined

const look = async (): Promise<TestServers> => {
  const state = readState()
  const shared = state.kafka?.nodes.every((node) => isAlive(node.process))
    ? state.kafka.nodes.map(({ port }) => `127.0.0.1:${port}`)
    : undefined
  const kafka = setting('KAFKA_BROKERS')?.split(',') ?? shared
  const redis = setting('REDIS_URL') ?? state.redis?.url
  const registry = setting('SCHEMA_REGISTRY_URL') ?? state.registry?.url
  const up = {
    kafka: kafka !== undefined && (await Promise.all(kafka.map(canDial))).every(Boolean),
    redis: redis !== undefined && (await answers(pingRedis(redis))),
    registry: registry !== undefined && (await answers(pingRegistry(registry))),
  }
  const missing = Object.entries(up).flatMap(([name, isUp]) => (isUp ? [] : [name]))
  const reason =
    missing.length === 0
      ? undefined
      : `no ${missing.join(', no ')} here: start them with "npm run servers -- up"`
  if (reason !== undefined && process.env.ZENHOOK_TEST_SERVERS === 'required')
    throw new Error(`ZENHOOK_TEST_SERVERS=required, but ${reason}`)
  if (reason !== undefined) process.stderr.write(`Tests with real servers are skipped: ${reason}\n`)
  return {
    ...(up.kafka && { kafka }),
    ...(up.redis && { redis }),
    ...(up.registry && { registry }),
    ...(reason !== undefined && { reason }),
  }
}

let found: Promise<TestServers> | undefined

/**
 * The real servers that tests may use: of the environment, else those of `npm run servers -- up`,
 * each seen to answer. Says once why one is missing; rejects then if ZENHOOK_TEST_SERVERS=required.
 */
export const testServers = (): Promise<TestServers> => {
  found ??= look()
  return found
}
