import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { messageOf } from '../core/errors/index.ts'
import type { Logger } from '../core/telemetry/index.ts'
import type { Head } from './head.ts'
import { type HealthCheck, healthAnswer, readyAnswer } from './health.ts'
import { type Answer, problemAnswer, refuse } from './problems.ts'
import type { Inbound } from './receive.ts'

/** What the server knows of a request before the app sees it. */
export interface Arrival {
  head: Head
  /** Address of the client. */
  client: string
  requestId: string
  target: string
  proceed?(): void
}

export interface AppBindings {
  incoming: IncomingMessage
  outgoing: ServerResponse
}

export interface AppOptions {
  receive(inbound: Inbound): Promise<Answer>
  /** Readiness checks by name. */
  checks: Readonly<Record<string, HealthCheck>>
  arrivalOf(incoming: IncomingMessage): Arrival
  /** Answers and ends the connection: the rest of the request is not read. */
  sendAndClose(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): void
  /** True once the listener is closing: then no connection is kept alive. */
  closing(): boolean
  logger: Logger
}

// A short body that nobody reads is thrown away by the server, and the connection stays.
const shortBody = 64 * 1024

const worthClosing = (head: Head, answer: Answer): boolean =>
  answer.headers.connection === 'close' || head.chunked || (head.contentLength ?? 0) > shortBody

type Env = { Bindings: AppBindings }

/** The public listener: `/in/{tenant}/{source}`, `/healthz` and `/readyz`, and nothing else. */
export const createApp = (options: AppOptions): Hono<Env> => {
  const { receive, checks, arrivalOf, sendAndClose, closing, logger } = options
  const app = new Hono<Env>()

  const send = (c: Context<Env>, answer: Answer): Response => {
    const { incoming, outgoing } = c.env
    if (!incoming.readableEnded && worthClosing(arrivalOf(incoming).head, answer)) {
      sendAndClose(incoming, outgoing, answer)
      return RESPONSE_ALREADY_SENT
    }
    if (closing()) answer.headers.connection = 'close'
    return new Response(answer.body, answer)
  }

  app.all('/in/:tenant/:source', async (c) => {
    const { incoming } = c.env
    const { head, client, requestId, target, proceed } = arrivalOf(incoming)
    const answer = await receive({
      method: incoming.method ?? '',
      target,
      tenant: c.req.param('tenant'),
      source: c.req.param('source'),
      head,
      rawHeaders: incoming.rawHeaders,
      remote: client,
      requestId,
      body: incoming,
      ...(proceed === undefined ? {} : { proceed }),
    })
    return send(c, answer)
  })

  const onlyGet = (c: Context<Env>): Response =>
    send(
      c,
      problemAnswer(
        refuse('ZENHOOK_INGRESS_METHOD_NOT_ALLOWED', { headers: { allow: 'GET, HEAD' } }),
        arrivalOf(c.env.incoming).requestId,
      ),
    )

  app.get('/healthz', (c) => send(c, healthAnswer(arrivalOf(c.env.incoming).requestId)))
  app.all('/healthz', onlyGet)
  app.get('/readyz', async (c) => {
    const verbose = c.req.query('verbose') !== undefined
    return send(c, await readyAnswer(checks, verbose, arrivalOf(c.env.incoming).requestId))
  })
  app.all('/readyz', onlyGet)

  app.notFound((c) =>
    send(
      c,
      problemAnswer(refuse('ZENHOOK_INGRESS_NOT_FOUND'), arrivalOf(c.env.incoming).requestId),
    ),
  )
  app.onError((error, c) => {
    const { requestId } = arrivalOf(c.env.incoming)
    logger.error(
      { request_id: requestId, error: messageOf(error), stack: error.stack },
      'app failed',
    )
    return send(c, problemAnswer(refuse('ZENHOOK_INGRESS_INTERNAL'), requestId))
  })
  return app
}
