import { claimsPerKey, lifeOf } from '../claims.ts'
import type { Holder, Kv } from '../port.ts'
import { createRedisClient, type RedisLogger } from './client.ts'
import { addScript, claimScript, replaceScript, setScript } from './scripts.ts'

export interface RedisKvOptions {
  /** `redis://` or `rediss://`, with a password where there is one. */
  url: string
  /** In front of every key, so that several installations may share a server; `zenhook:` by default. */
  prefix?: string
  /** How long one call may take, ms; 1,000 by default. Who cannot wait so long has a bound of its own. */
  timeoutMs?: number
  logger?: RedisLogger
}

const lifeText = (ttlMs: number): string => String(Math.max(1, Math.ceil(ttlMs)))
const texts = (answer: unknown): string[] => (Array.isArray(answer) ? answer.map(String) : [])

/**
 * Keyed state in Redis, shared by processes. Each batch is one request and one atomic script. Lives
 * are counted by the server's clock. What resolved survives a crash of our processes; whether it
 * survives the server's is that server's persistence (`appendonly yes`; with `appendfsync everysec` up
 * to two seconds may be lost, with `always` nothing), and it must not evict
 * (`maxmemory-policy noeviction`).
 */
export const createRedisKv = ({
  url,
  prefix = 'zenhook:',
  timeoutMs = 1_000,
  logger,
}: RedisKvOptions): Kv => {
  const client = createRedisClient({ url, timeoutMs, ...(logger === undefined ? {} : { logger }) })
  const claimKey = (key: string): string => `${prefix}c:${key}`
  const valueKey = (key: string): string => `${prefix}v:${key}`
  const counterKey = (key: string): string => `${prefix}n:${key}`

  return {
    capabilities: { multiProcess: true, survivesRestart: true },
    async claim(claims) {
      const args = claims.flatMap((claim) => [
        claim.owner,
        String(claim.at),
        String(claim.windowMs),
        lifeText(lifeOf(claim)),
      ])
      const keys = claims.map(({ key }) => claimKey(key))
      const answer = texts(await client.run(claimScript, keys, [claimsPerKey, ...args]))
      return claims.map(
        (_, index): Holder => ({
          owner: answer[2 * index] ?? '',
          at: Number(answer[2 * index + 1]),
        }),
      )
    },
    async get(keys) {
      const values = await client.call(async (redis) =>
        keys.length === 0 ? [] : redis.mget(keys.map(valueKey)),
      )
      return values.map((value) => value ?? undefined)
    },
    async set(entries) {
      await client.run(
        setScript,
        entries.map(({ key }) => valueKey(key)),
        entries.flatMap(({ value, ttlMs }) => [value, lifeText(ttlMs)]),
      )
    },
    async replace(entries) {
      const answer = await client.run(
        replaceScript,
        entries.map(({ key }) => valueKey(key)),
        entries.flatMap(({ expected, value, ttlMs }) => [
          expected === undefined ? '0' : '1',
          expected ?? '',
          value,
          lifeText(ttlMs),
        ]),
      )
      const replaced = texts(answer)
      return entries.map((_, index) => replaced[index] === '1')
    },
    async delete(keys) {
      await client.call(async (redis) => {
        if (keys.length === 0) return
        await redis.del(keys.flatMap((key) => [claimKey(key), valueKey(key), counterKey(key)]))
      })
    },
    async add(key, by, ttlMs) {
      return Number(await client.run(addScript, [counterKey(key)], [String(by), lifeText(ttlMs)]))
    },
    async ping() {
      // Refused like any write (by a replica, for want of memory), and changes nothing: the key is never there.
      await client.call((redis) => redis.set(`${prefix}ping`, '', 'XX'))
    },
    close: () => client.close(),
  }
}
