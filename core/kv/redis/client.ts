import { Redis } from 'ioredis'
import { isZenhookError, messageOf, ZenhookError } from '../../errors/index.ts'
import type { Script } from './scripts.ts'

/** What the adapter needs of a logger; `core/telemetry`'s fits. */
export interface RedisLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface RedisClientOptions {
  url: string
  /** How long one call may take, ms. */
  timeoutMs: number
  logger?: RedisLogger
}

export interface RedisClient {
  /** Rejects with ZENHOOK_KV_UNAVAILABLE when there is no answer in time, _CLOSED once closed. */
  call<T>(command: (redis: Redis) => Promise<T>): Promise<T>
  /** Runs a script by its digest, sending its text only when the server has forgotten it. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
  close(): Promise<void>
}

/** Calls without an answer yet, also those given up: past this, calls are refused at once. */
const mostUnderWay = 10_000
/** A connection that stays silent this long while calls wait is given up for a new one, ms. */
const silenceMs = 5_000
/** So often at most a connection is given up because its server takes no writes, ms. */
const demotedMs = 500

const unavailable = (message: string, cause?: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { message, retriable: true, cause })

/** A host and port, never the password that the URL may hold. */
const placeOf = (url: string): string => {
  const { hostname, port } = new URL(url)
  return `${hostname}:${port === '' ? '6379' : port}`
}

/** One connection that never makes a caller wait longer than the call's time, nor queues while away. */
export const createRedisClient = ({ url, timeoutMs, logger }: RedisClientOptions): RedisClient => {
  const place = placeOf(url)
  let demotedAt = Number.NEGATIVE_INFINITY
  /**
   * A failover makes a server a replica and closes nothing: its successor is found by connecting anew. Older
   * servers tell it within the message of a script's error.
   */
  const leaves = (error: Error): boolean => {
    const now = performance.now()
    if (!error.message.includes('READONLY') || now - demotedAt < demotedMs) return false
    demotedAt = now
    return true
  }
  const redis = new Redis(url, {
    // Nothing is kept for later: what failed is the caller's to repeat, and it knows what is safe.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    socketTimeout: silenceMs,
    reconnectOnError: leaves,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 5), 1_000),
  })
  let up = false
  let tried = false
  let underWay = 0
  let closed: Promise<void> | undefined
  redis.on('ready', () => {
    up = true
    logger?.info({ redis: place }, 'the state store answers')
  })
  redis.on('error', (error: unknown) => {
    if (!tried) logger?.warn({ redis: place, error: messageOf(error) }, 'the state store is away')
    tried = true
  })
  redis.on('close', () => {
    if (up) logger?.warn({ redis: place }, 'the connection to the state store is lost')
    up = false
    tried = true
  })

  /** The first connection is worth waiting for; a lost one is not. */
  const connected = (): Promise<void> =>
    up || tried
      ? Promise.resolve()
      : new Promise((resolve) => {
          const done = (): void => {
            for (const event of ['ready', 'error', 'close']) redis.off(event, done)
            resolve()
          }
          for (const event of ['ready', 'error', 'close']) redis.on(event, done)
        })

  const inTime = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      // One more turn: an answer that arrived while the loop was busy still counts.
      const timer = setTimeout(
        () =>
          setImmediate(() => reject(new Error(`no answer from ${place} within ${timeoutMs} ms`))),
        timeoutMs,
      )
      work.then(resolve, reject).finally(() => clearTimeout(timer))
    })

  const call = async <T>(command: (redis: Redis) => Promise<T>): Promise<T> => {
    if (closed !== undefined) throw new ZenhookError('ZENHOOK_KV_CLOSED')
    if (underWay >= mostUnderWay) throw unavailable(`${place} is behind by ${underWay} calls`)
    const work = async (): Promise<T> => {
      await connected()
      if (!up) throw new Error(`no connection to ${place}`)
      underWay += 1
      try {
        return await command(redis)
      } finally {
        underWay -= 1
      }
    }
    try {
      return await inTime(work())
    } catch (error) {
      if (isZenhookError(error)) throw error
      throw unavailable(`The state store does not answer: ${messageOf(error)}`, error)
    }
  }

  return {
    call,
    run: ({ sha, source }, keys, args) =>
      call(async (redis) => {
        try {
          return await redis.evalsha(sha, keys.length, ...keys, ...args)
        } catch (error) {
          // Refused before anything ran: sending the text is safe.
          if (!messageOf(error).startsWith('NOSCRIPT')) throw error
          return redis.eval(source, keys.length, ...keys, ...args)
        }
      }),
    close() {
      closed ??= (async () => {
        if (up) await inTime(redis.quit()).catch(() => undefined)
        redis.disconnect()
      })()
      return closed
    },
  }
}
