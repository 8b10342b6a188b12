import { createRoute, z } from '@hono/zod-openapi'
import { ZenhookError } from '../core/errors/index.ts'
import type { AdminApp } from './app.ts'
import { getDead, listDead } from './dead.ts'
import { json, mutable, problemResponse } from './openapi.ts'
import type { ApiDependencies } from './types.ts'

const topology = z
  .object({
    chain: z.enum(['fused', 'split']),
    roles: z.array(z.string()),
    engines: z.record(z.string(), z.string()),
    nodes: z.array(
      z.object({
        name: z.string(),
        role: z.string(),
        group: z.string(),
        from: z.array(z.string()),
        to: z.array(z.string()),
      }),
    ),
  })
  .openapi('Topology')

const deadLetter = z
  .object({
    id: z.string(),
    tenant: z.string(),
    source: z.string(),
    eventId: z.string(),
    destination: z.string().optional(),
    stage: z.string(),
    code: z.string(),
    message: z.string(),
    at: z.iso.datetime(),
    origin: z.object({ topic: z.string(), partition: z.number(), offset: z.number() }),
    originHeaders: z.record(z.string(), z.string()),
    original: z.string().optional(),
  })
  .openapi('DeadLetter')

const signed = z
  .object({
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string().describe('base64'),
  })
  .openapi('SignedRequest')

/** Topology, dead letters, and signing for `trigger`. */
export const operations = (app: AdminApp, deps: ApiDependencies): void => {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/topology',
      summary: 'The chain as it runs',
      responses: { 200: json(topology, 'stages, topics, groups, roles, engines') },
    }),
    (c) => c.json(mutable(deps.topology()), 200),
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/dead',
      summary: 'Dead letters, newest first',
      request: {
        query: z.object({
          tenant: z.string().optional(),
          code: z.string().optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(50),
        }),
      },
      responses: { 200: json(z.object({ dead: z.array(deadLetter) }), 'dead letters') },
    }),
    async (c) => {
      const { tenant, code, limit } = c.req.valid('query')
      const dead = await listDead(deps.log, deps.codec, {
        limit,
        ...(tenant === undefined ? {} : { tenant }),
        ...(code === undefined ? {} : { code }),
      })
      return c.json({ dead: mutable(dead) }, 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/dead/{id}',
      summary: 'One dead letter with its original bytes',
      request: { params: z.object({ id: z.string().max(100) }) },
      responses: { 200: json(deadLetter, 'the dead letter'), 404: problemResponse },
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const dead = await getDead(deps.log, deps.codec, id)
      if (dead === undefined) {
        throw new ZenhookError('ZENHOOK_API_NOT_FOUND', {
          message: `There is no dead letter ${id}`,
        })
      }
      return c.json(mutable(dead), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/sign',
      summary: 'A sample event of a provider, signed with the secret of a source',
      description:
        'For `zenhook trigger`: the signed request leaves the instance, the secret does not.',
      request: {
        body: {
          content: {
            'application/json': {
              schema: z.strictObject({
                provider: z.string(),
                event: z.string().optional(),
                tenant: z.string(),
                source: z.string(),
                flaw: z.enum(['bad-signature', 'stale']).optional(),
              }),
            },
          },
          required: true,
        },
      },
      responses: { 200: json(signed, 'send it as it is'), 400: problemResponse },
    }),
    async (c) => {
      const { event, flaw, ...rest } = c.req.valid('json')
      const request = await deps.sign({
        ...rest,
        ...(event === undefined ? {} : { event }),
        ...(flaw === undefined ? {} : { flaw }),
      })
      return c.json(mutable(request), 200)
    },
  )
}
