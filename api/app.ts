import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { catalog } from '../core/errors/index.ts'
import { codeOfPage, problemPage } from '../core/errors/problem.ts'
import { isRequestId } from '../core/telemetry/request-id.ts'
import { auditRoutes } from './audit.ts'
import { dataRoutes } from './data.ts'
import { deadRoutes } from './dead.ts'
import { describeV1 } from './document.ts'
import { healthRoutes } from './health.ts'
import { idempotency } from './idempotency.ts'
import { operations } from './operations.ts'
import { play } from './play.ts'
import { problem, problemOf, tooLarge } from './problem.ts'
import { rateLimit } from './rate-limit.ts'
import { registryRoutes } from './registry.ts'
import { registryLists } from './registry-lists.ts'
import { replayRoutes } from './replays.ts'
import type { AdminDependencies, ApiDependencies } from './types.ts'
import { webhooks } from './webhooks.ts'

export interface ApiEnv {
  Variables: { requestId: string }
}

export type AdminApp = OpenAPIHono<ApiEnv>

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Bearer token, compared in constant time. */
const authorized = (token: string): MiddlewareHandler<ApiEnv> => {
  const expected = digest(`Bearer ${token}`)
  return async (c, next) => {
    const given = digest(c.req.header('authorization') ?? '')
    if (timingSafeEqual(given, expected)) return next()
    c.header('www-authenticate', 'Bearer')
    return problem(c, 401, 'ZENHOOK_API_UNAUTHORIZED')
  }
}

// A page in somebody's browser must not reach the loopback listener under a name of its own (DNS rebinding).
const ownHost =
  (hosts: readonly string[]): MiddlewareHandler<ApiEnv> =>
  async (c, next) => {
    const host = (c.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase()
    return hosts.includes(host)
      ? next()
      : problem(
          c,
          403,
          'ZENHOOK_API_FORBIDDEN_HOST',
          `The admin listener does not answer to ${host}`,
        )
  }

/** Of a request to `/v1`: a configuration file of 1 MiB, as a JSON string. */
const maxBody = 4 * 1024 * 1024

const requestId: MiddlewareHandler<ApiEnv> = async (c, next) => {
  const given = c.req.header('x-request-id')
  const id = given !== undefined && isRequestId(given) ? given : randomUUID()
  c.set('requestId', id)
  await next()
  c.header('x-request-id', id)
}

/**
 * The admin listener: health, metrics, version, the pages of problems, the request bins, and `/v1` behind a
 * token. `later`: what `/v1` stands on is not there yet; `never`: this process does not serve it.
 */
export const createAdmin = (
  admin: AdminDependencies,
  v1: ApiDependencies | 'later' | 'never',
): AdminApp => {
  const app: AdminApp = new OpenAPIHono<ApiEnv>({
    defaultHook: (result, c) => {
      if (result.success) return undefined
      const errors = result.error.issues.map((issue) => ({
        pointer: `#/${issue.path.map(String).join('/')}`,
        detail: issue.message,
      }))
      return problem(c, 400, 'ZENHOOK_API_INVALID', undefined, { errors })
    },
  })
  app.use(requestId)
  if (admin.hosts !== undefined) app.use(ownHost(admin.hosts))
  healthRoutes(app, admin)
  app.get('/docs/problems/:name', (c) => {
    const code = codeOfPage(c.req.param('name'))
    if (code === undefined) return c.notFound()
    return c.body(problemPage(code), 200, { 'content-type': 'text/markdown; charset=utf-8' })
  })
  if (admin.bins !== undefined) play(app, admin.bins)
  if (v1 === 'later') app.all('/v1/*', (c) => problem(c, 503, 'ZENHOOK_API_UNAVAILABLE'))
  else if (v1 === 'never') app.all('/v1/*', (c) => problem(c, 404, 'ZENHOOK_API_NO_ROLE'))
  else {
    app.use('/v1/*', authorized(v1.token))
    app.use('/v1/*', rateLimit(v1.token, v1.limit))
    app.use('/v1/*', bodyLimit({ maxSize: maxBody, onError: tooLarge(maxBody) }))
    app.use('/v1/*', idempotency(v1))
    operations(app, v1)
    replayRoutes(app, v1)
    deadRoutes(app, v1)
    dataRoutes(app, v1)
    registryRoutes(app, v1)
    auditRoutes(app, v1)
    registryLists(app, v1)
    describeV1(app)
    webhooks(app)
  }
  app.notFound((c) =>
    problem(c, 404, 'ZENHOOK_API_NOT_FOUND', `There is nothing at ${c.req.method} ${c.req.path}`),
  )
  app.onError((error, c) => {
    const answer = problemOf(c, error)
    if (answer.status >= 500) {
      admin.logger.error(
        { request_id: c.get('requestId'), path: c.req.path, error: error.message },
        catalog.ZENHOOK_API_INTERNAL.summary,
      )
    }
    return answer
  })
  return app
}
