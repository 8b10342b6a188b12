import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isZenhookError } from '../../errors/index.ts'
import type { Kv } from '../port.ts'
import { createRedisClient } from './client.ts'
import { createRedisKv } from './index.ts'
import {
  answering,
  createRedisServer,
  type RedisServer,
  redisMissing,
} from './redis-server.fixture.ts'

const missing = redisMissing()
if (missing !== undefined) console.info(`skipped: failover of Redis: ${missing}`)

/** An address that leads to one server and then to another, as that of a failover does: it closes nothing. */
const openAddress = async (first: RedisServer) => {
  let port = Number(new URL(first.url).port)
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    connections += 1
    const redis = connect({ host: '127.0.0.1', port })
    client.pipe(redis).pipe(client)
    for (const socket of [client, redis]) {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    leadTo(next: RedisServer): void {
      port = Number(new URL(next.url).port)
    },
    close(): void {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

describe.skipIf(missing !== undefined)('F33: a failover of Redis', () => {
  let servers: [RedisServer, RedisServer]
  let address: Awaited<ReturnType<typeof openAddress>>
  let kv: Kv
  const claim = (key: string) => ({ key, owner: 'me', at: 1, windowMs: 60_000 })
  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'resolved',
      (error: unknown) => (isZenhookError(error) ? error.code : String(error)),
    )

  beforeEach(async () => {
    servers = [await createRedisServer(), await createRedisServer()]
    await Promise.all(servers.map((server) => server.start()))
    address = await openAddress(servers[0])
    kv = await answering(createRedisKv({ url: address.url }))
    await kv.claim([claim('before')])
  })
  afterEach(async () => {
    await kv.close()
    address.close()
    await Promise.all(servers.map((server) => server.destroy()))
  })
  /** The first becomes a replica of the second: its connections stay open, and it takes no writes. */
  const demote = async (): Promise<void> => {
    const admin = new Redis(servers[0].url)
    await admin.replicaof('127.0.0.1', Number(new URL(servers[1].url).port))
    admin.disconnect()
  }

  it('F33: claims go on at the new server, although nobody closed the connection', async () => {
    await demote()
    expect(await codeOf(kv.claim([claim('meanwhile')]))).toBe('ZENHOOK_KV_UNAVAILABLE')
    address.leadTo(servers[1])
    await expect
      .poll(() => codeOf(kv.claim([claim('after')])), { timeout: 2_000, interval: 20 })
      .toBe('resolved')
  })

  it('F33: without a new server it is known, and not connected to again and again', async () => {
    await demote()
    const before = address.connections()
    const until = performance.now() + 1_500
    while (performance.now() < until) {
      expect(await codeOf(kv.ping())).toBe('ZENHOOK_KV_UNAVAILABLE')
      await sleep(10)
    }
    expect(address.connections() - before).toBeLessThanOrEqual(4)
  })

  it('F33: an older server that tells it as an error of the script is understood', async () => {
    const client = createRedisClient({ url: address.url, timeoutMs: 1_000 })
    const text = "ERR Error running script (call to f_1): @user_script:9: -READONLY You can't write"
    const told = client.call((redis) => redis.eval(`return redis.error_reply("${text}")`, 0))
    expect(await codeOf(told)).toBe('ZENHOOK_KV_UNAVAILABLE')
    const before = address.connections()
    await expect.poll(address.connections, { timeout: 2_000, interval: 20 }).toBe(before + 1)
    await client.close()
  })
})
