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

const triggered = z
  .object({
    tenant: z.string().describe('of the source that they went to'),
    source: z.string(),
    answers: z.array(
      z.object({
        status: z.number(),
        body: z.unknown().describe('parsed where it is JSON, else text'),
      }),
    ),
  })
  .openapi('TriggerAnswers')

/** Topology, and sample events. */
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
      path: '/v1/trigger',
      summary: 'Sends a sample event of a provider, signed with the secret of a source',
      description:
        'For `zenhook trigger`: the instance signs and sends, for some schemes send the secret itself.',
      request: {
        body: {
          content: {
            'application/json': {
              schema: z
                .strictObject({
                  provider: z.string(),
                  event: z.string().optional(),
                  tenant: z.string().optional(),
                  source: z
                    .string()
                    .optional()
                    .describe(
                      'with tenant; where absent, the only source of the provider beside that of the demo',
                    ),
                  flaw: z.enum(['bad-signature', 'stale']).optional(),
                  copies: z.number().int().min(1).max(2).default(1),
                })
                .refine(({ tenant, source }) => (tenant === undefined) === (source === undefined), {
                  message: 'tenant and source come together',
                }),
            },
          },
          required: true,
        },
      },
      responses: {
        200: json(triggered, 'where it went, and how each copy was answered'),
        400: problemResponse,
      },
    }),
    async (c) => {
      const { provider, event, tenant, source, flaw, copies } = c.req.valid('json')
      const found = await deps.trigger({
        provider,
        copies,
        ...(event !== undefined && { event }),
        ...(tenant !== undefined && source !== undefined && { source: { tenant, source } }),
        ...(flaw !== undefined && { flaw }),
      })
      return c.json(mutable(found), 200)
    },
  )
}
