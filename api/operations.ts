import { createRoute, z } from '@hono/zod-openapi'
import type { AdminApp } from './app.ts'
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

const signed = z
  .object({
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string().describe('base64'),
  })
  .openapi('SignedRequest')

/** Topology, and signing for `trigger`. */
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
