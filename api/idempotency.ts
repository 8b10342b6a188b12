import { createHash, createHmac, randomUUID } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { messageOf } from '../core/errors/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { Logger } from '../core/telemetry/index.ts'
import type { ApiEnv } from './app.ts'
import { problem } from './problem.ts'

/** How long an answer is kept, ms. */
export const keptMs = 24 * 3_600_000
/** How long a request may be under way before its key is free again: its process may be dead, ms. */
export const underWayMs = 60_000
const maxKey = 255

/** Methods that may carry a key. */
const unsafe: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** What asks by POST and changes nothing: repeating it needs no key, and its answers are not kept. */
export const asks: ReadonlySet<string> = new Set(['/v1/decisions/query'])

/** Whether an operation takes an `Idempotency-Key`. */
export const takesKey = (method: string, path: string): boolean =>
  unsafe.has(method.toUpperCase()) && !asks.has(path)

const record = z.discriminatedUnion('state', [
  z.object({ state: z.literal('free') }),
  z.object({ state: z.literal('under-way'), owner: z.string(), request: z.string() }),
  z.object({
    state: z.literal('done'),
    request: z.string(),
    status: z.number().int(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
  }),
])
type KeptRecord = z.infer<typeof record>
type Taken = Exclude<KeptRecord, { state: 'free' }>

const free = JSON.stringify({ state: 'free' } satisfies KeptRecord)
/** A key that was freed is soon forgotten, ms. */
const freeMs = 1_000

/** Headers of an answer that are given again with it. */
const keptHeaders = ['content-type', 'etag', 'location'] as const

/** The key, as a structured string or bare; `undefined` when it is neither. */
const parseKey = (header: string): string | undefined => {
  const [, inner] = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header) ?? []
  const key = inner === undefined ? header : inner.replaceAll(/\\(.)/g, '$1')
  return /^[\x20-\x7e]+$/.test(key) && key.length <= maxKey ? key : undefined
}

/** What makes two requests the same: method, target, condition and the very bytes. */
const fingerprint = async (c: Context): Promise<string> => {
  const { pathname, search } = new URL(c.req.url)
  const head = [c.req.method, pathname + search, c.req.header('if-match') ?? '']
  return createHash('sha256')
    .update(`${JSON.stringify(head)}\n`)
    .update(new Uint8Array(await c.req.arrayBuffer()))
    .digest('base64url')
}

const doneOf = async (request: string, answer: Response): Promise<Taken> => ({
  state: 'done',
  request,
  status: answer.status,
  headers: Object.fromEntries(
    keptHeaders.flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value]]
    }),
  ),
  body: await answer.clone().text(),
})

/** The answer to a key that is taken. */
const repeated = (c: Context, found: Taken, request: string): Response => {
  if (found.request !== request) return problem(c, 422, 'ZENHOOK_API_IDEMPOTENCY_REUSED')
  if (found.state === 'under-way') {
    return problem(c, 409, 'ZENHOOK_API_IDEMPOTENCY_UNDER_WAY', undefined, { retryAfterMs: 1_000 })
  }
  return new Response(found.body === '' ? null : found.body, {
    status: found.status,
    headers: { ...found.headers, 'idempotent-replayed': 'true' },
  })
}

export interface IdempotencyOptions {
  kv: Kv
  /** Of the caller: keys of one never meet those of another. */
  token: string
  logger: Logger
}

/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): what a request has done is answered again
 * to the same key for 24 hours, by any process of the same state. A request that failed has done nothing
 * that could be answered again, so its key is free: it may be corrected and sent anew.
 */
export const idempotency = ({
  kv,
  token,
  logger,
}: IdempotencyOptions): MiddlewareHandler<ApiEnv> => {
  const swap = async (key: string, expected: string | undefined, value: string, ttlMs: number) => {
    const [swapped] = await kv.replace([{ key, value, ttlMs, expected }])
    return swapped === true
  }
  /** Takes the key, or gives what it is taken by. */
  const take = async (key: string, held: string): Promise<Taken | undefined> => {
    let expected: string | undefined
    for (;;) {
      if (await swap(key, expected, held, underWayMs)) return undefined
      const [found] = await kv.get([key])
      expected = found
      // Gone in between: its life has ended.
      if (found === undefined) continue
      const parsed = record.parse(JSON.parse(found))
      if (parsed.state !== 'free') return parsed
    }
  }
  const settle = async (key: string, held: string, request: string, answer: Response) => {
    if (!answer.ok) return swap(key, held, free, freeMs)
    return swap(key, held, JSON.stringify(await doneOf(request, answer)), keptMs)
  }
  return async (c, next) => {
    const header = c.req.header('idempotency-key')
    if (header === undefined || !takesKey(c.req.method, c.req.path)) return next()
    const name = parseKey(header)
    if (name === undefined) {
      const detail = `Idempotency-Key is 1 to ${maxKey} printable ASCII characters`
      return problem(c, 400, 'ZENHOOK_API_INVALID', detail)
    }
    const key = `idempotency/${createHmac('sha256', token).update(name).digest('base64url')}`
    const request = await fingerprint(c)
    const mine: Taken = { state: 'under-way', owner: randomUUID(), request }
    const held = JSON.stringify(mine)
    const found = await take(key, held)
    if (found !== undefined) return repeated(c, found, request)
    await next()
    try {
      await settle(key, held, request, c.res)
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the answer to an idempotency key was not kept')
    }
    return undefined
  }
}
