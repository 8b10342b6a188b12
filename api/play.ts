import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import type { AdminApp } from './app.ts'
import { problem, tooLarge } from './problem.ts'
import type { Bins } from './types.ts'

const maxDelayMs = 10_000
const maxBody = 256 * 1024
/** Statuses whose answers may have no body. */
const bodiless = [204, 205, 304]

const knobs = z.object({
  status: z.coerce.number().int().min(200).max(599).optional(),
  delay: z.coerce.number().int().min(0).max(maxDelayMs).optional(),
})

// JSON of a declared type, no sniffing, nothing to run: a browser shows what a stranger sent, no more.
const inert = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'",
  'cache-control': 'no-store',
}

/** JSON that is harmless even where it is taken for HTML. */
const escaped = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  )

const noBin = 'There is no such request bin; POST /play makes one'

/** Whether a browser asks for a page that is not ours: it may ask, though it does not see the answer. */
const isForeign = ({ req }: Context): boolean => {
  const origin = req.header('origin')
  // Who ends TLS before us makes another scheme of the same origin.
  const isOther =
    origin !== undefined &&
    !(URL.canParse(origin) && new URL(origin).host === new URL(req.url).host)
  return isOther || ['cross-site', 'same-site'].includes(req.header('sec-fetch-site') ?? '')
}

/**
 * The built-in request bins: `POST /play` makes one, `ANY /play/{bin}` takes a request, `GET /play/{bin}/requests`
 * shows what came.
 */
export const play = (app: AdminApp, bins: Bins): void => {
  app.post('/play', (c) => {
    if (isForeign(c)) return problem(c, 403, 'ZENHOOK_API_FORBIDDEN_ORIGIN')
    const id = bins.create()
    const url = `${new URL(c.req.url).origin}/play/${id}`
    c.header('location', url)
    return c.json({ id, url, requests: `${url}/requests` }, 201)
  })
  app.get('/play/:bin/requests', (c) => {
    const requests = bins.requests(c.req.param('bin'))
    if (requests === undefined) return problem(c, 404, 'ZENHOOK_API_NOT_FOUND', noBin)
    const shown = requests.map(({ body, at, ...rest }) => ({
      ...rest,
      at: new Date(at).toISOString(),
      body: Buffer.from(body).toString('utf8'),
      bodyBase64: Buffer.from(body).toString('base64'),
    }))
    return c.body(escaped(shown), 200, { 'content-type': 'application/json', ...inert })
  })
  const limited = bodyLimit({ maxSize: maxBody, onError: tooLarge(maxBody) })
  app.all('/play/:bin', limited, async (c) => {
    const parsed = knobs.safeParse(c.req.query())
    if (!parsed.success) {
      const detail = `status is 200 to 599, delay 0 to ${maxDelayMs} ms`
      return problem(c, 400, 'ZENHOOK_API_INVALID', detail)
    }
    const body = new Uint8Array(await c.req.arrayBuffer())
    const url = new URL(c.req.url)
    const { status, delay } = parsed.data
    const answer = bins.put(
      c.req.param('bin'),
      {
        method: c.req.method,
        path: url.pathname + url.search,
        headers: c.req.header(),
        body,
      },
      {
        ...(status === undefined ? {} : { status }),
        ...(delay === undefined ? {} : { delayMs: delay }),
      },
    )
    if (answer === undefined) return problem(c, 404, 'ZENHOOK_API_NOT_FOUND', noBin)
    if (answer.delayMs > 0) await sleep(answer.delayMs)
    const empty = bodiless.includes(answer.status)
    return new Response(empty ? null : '{"ok":true}\n', {
      status: answer.status,
      headers: empty ? {} : { 'content-type': 'application/json' },
    })
  })
}
