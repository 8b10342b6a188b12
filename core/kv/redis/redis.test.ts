import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isZenhookError } from '../../errors/index.ts'
import { kvContract } from '../contract.ts'
import type { Kv } from '../port.ts'
import { createRedisKv } from './index.ts'
import {
  answering,
  createRedisServer,
  type RedisServer,
  redisMissing,
} from './redis-server.fixture.ts'

const missing = redisMissing()
if (missing !== undefined) console.info(`skipped: kv on Redis: ${missing}`)

const server = missing === undefined ? await createRedisServer() : undefined
await server?.start()
const theServer = (): RedisServer => {
  if (server === undefined) throw new Error('no Redis')
  return server
}

describe.skipIf(server === undefined)('redis', () => {
  const open = async (): Promise<Kv> =>
    answering(createRedisKv({ url: theServer().url, prefix: 'test:' }))

  kvContract('redis', {
    capabilities: { multiProcess: true, survivesRestart: true },
    timeoutMs: 5_000,
    open,
    now: () => Date.now(),
    pass: async (ms) => void (await sleep(ms)),
    restart: async (kv) => {
      await kv.close()
      await theServer().stop('SIGTERM')
      await theServer().start()
      return open()
    },
    crash: async (kv) => {
      await theServer().stop('SIGKILL')
      await theServer().start()
      return answering(kv)
    },
    destroy: () => theServer().destroy(),
  })
})

describe.skipIf(missing !== undefined)('redis faults', () => {
  let faulty: RedisServer
  let kv: Kv
  let admin: Redis
  const at = Date.now()
  const claim = (key: string, owner: string) => ({ key, owner, at, windowMs: 60_000 })
  const failure = async (work: Promise<unknown>): Promise<{ code: string; retriable: boolean }> => {
    const error: unknown = await work.then(
      () => undefined,
      (error: unknown) => error,
    )
    if (!isZenhookError(error)) throw new Error(`expected our error, got ${String(error)}`)
    return { code: error.code, retriable: error.retriable }
  }
  const unavailable = { code: 'ZENHOOK_KV_UNAVAILABLE', retriable: true }

  beforeAll(async () => {
    faulty = await createRedisServer(['--maxmemory-policy', 'noeviction'])
    await faulty.start()
    admin = new Redis(faulty.url)
    admin.on('error', () => undefined)
    kv = await answering(createRedisKv({ url: faulty.url, timeoutMs: 100 }))
  })
  afterAll(async () => {
    await kv.close()
    admin.disconnect()
    await faulty.destroy()
  })

  it('is there at the first call', async () => {
    const fresh = createRedisKv({ url: faulty.url })
    expect(await fresh.claim([claim('first-call', 'me')])).toEqual([{ owner: 'me', at }])
    await fresh.close()
  })

  it('goes on after SCRIPT FLUSH', async () => {
    await kv.claim([claim('flush', 'one')])
    await admin.script('FLUSH')
    expect(await kv.claim([claim('flush', 'two')])).toEqual([{ owner: 'one', at }])
    expect(await kv.add('flush', 1, 60_000)).toBe(1)
  })

  it('puts its prefix in front of every key, and a life on each', async () => {
    await admin.flushall()
    await kv.set([{ key: 'a', value: '1', ttlMs: 60_000 }])
    await kv.claim([claim('a', 'one')])
    await kv.add('a', 1, 60_000)
    const keys = await admin.keys('*')
    expect(keys.sort()).toEqual(['zenhook:c:a', 'zenhook:n:a', 'zenhook:v:a'])
    for (const key of keys) expect(await admin.pttl(key)).toBeGreaterThan(50_000)
  })

  it('gives up after its time while the server is frozen, and goes on by itself', async () => {
    faulty.freeze()
    const began = performance.now()
    expect(await failure(kv.get(['a']))).toEqual(unavailable)
    expect(performance.now() - began).toBeLessThan(500)
    const many = await Promise.all(Array.from({ length: 200 }, () => failure(kv.get(['a']))))
    expect(many.every(({ code }) => code === unavailable.code)).toBe(true)
    faulty.thaw()
    await answering(kv)
    await kv.set([{ key: 'thawed', value: 'yes', ttlMs: 60_000 }])
    expect(await kv.get(['thawed'])).toEqual(['yes'])
  })

  it('fails at once while the server is away, and reconnects', async () => {
    await faulty.stop('SIGKILL')
    await sleep(50)
    const began = performance.now()
    for (let n = 0; n < 50; n += 1) expect(await failure(kv.get(['a']))).toEqual(unavailable)
    expect(performance.now() - began).toBeLessThan(500)
    expect(await failure(kv.ping())).toEqual(unavailable)
    await faulty.start()
    await answering(kv)
    expect(await kv.get(['thawed'])).toEqual(['yes'])
  })

  it('says unavailable when the memory of the server is full, and keeps what was stored', async () => {
    await answering(kv)
    await kv.claim([claim('before', 'me')])
    await admin.config('SET', 'maxmemory', '1')
    const full = kv.set([{ key: 'full', value: 'x', ttlMs: 60_000 }])
    expect(await failure(full)).toEqual(unavailable)
    expect(await failure(kv.claim([claim('full', 'me')]))).toEqual(unavailable)
    expect(await failure(kv.ping())).toEqual(unavailable)
    await admin.config('SET', 'maxmemory', '0')
    expect(await kv.claim([claim('before', 'other')])).toEqual([{ owner: 'me', at }])
  })

  it('does not show the password of its URL', async () => {
    const secret = 'hunter2-canary'
    const lines: string[] = []
    const note = (fields: object, message: string): void => {
      lines.push(JSON.stringify(fields) + message)
    }
    const url = faulty.url.replace('redis://', `redis://user:${secret}@`)
    const refused = createRedisKv({ url, timeoutMs: 500, logger: { info: note, warn: note } })
    const error: unknown = await refused.get(['a']).catch((error: unknown) => error)
    expect(isZenhookError(error) && error.code).toBe(unavailable.code)
    expect(`${lines.join('\n')}${String(error)}`).not.toContain(secret)
    await refused.close()
  })
})
