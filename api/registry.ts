import { createRoute, z } from '@hono/zod-openapi'
import { ZenhookError } from '../core/errors/index.ts'
import { namePattern } from '../core/registry/objects.ts'
import { canonicalJson } from '../core/registry/snapshot.ts'
import type { ObjectKind, Snapshot } from '../core/registry/types.ts'
import type { AdminApp } from './app.ts'
import { json, mutable, problemResponse } from './openapi.ts'
import { tagOf } from './pages.ts'
import type { ApiDependencies, ObjectPlace } from './types.ts'

export const kinds = ['source', 'destination', 'route'] as const
const place = z.object({
  kind: z.enum(kinds),
  tenant: z.string().regex(namePattern, 'a DNS label'),
  name: z.string().regex(namePattern, 'a DNS label'),
})
const difference = z.object({
  kind: z.enum(kinds),
  tenant: z.string(),
  name: z.string(),
  action: z.enum(['create', 'update', 'delete']),
  fields: z.array(z.string()),
})
const published = z
  .object({ revision: z.string(), changed: z.array(difference) })
  .openapi('Published')
export const object = z.record(z.string(), z.unknown()).openapi('RegistryObject')
const fault = z.object({
  file: z.string(),
  line: z.number(),
  column: z.number(),
  code: z.string(),
  message: z.string(),
})

const find = (snapshot: Snapshot, kind: ObjectKind, tenant: string, name: string) => {
  if (kind === 'source') return snapshot.source(tenant, name)
  if (kind === 'destination') return snapshot.destination(tenant, name)
  return snapshot.routes(tenant).find((route) => route.name === name)
}

const etagOf = (spec: object): string => tagOf(canonicalJson(spec))

/** The configuration: whole files (`apply`, `diff`) and single objects. */
export const registryRoutes = (app: AdminApp, deps: ApiDependencies): void => {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/v1/registry/apply',
      summary: 'Publish a configuration file, or say what would change (`dryRun`)',
      request: {
        query: z.object({ dryRun: z.enum(['true', 'false']).default('false') }),
        body: {
          required: true,
          content: {
            'application/json': {
              schema: z.strictObject({ file: z.string().max(4096), text: z.string() }),
            },
          },
        },
      },
      responses: {
        200: json(published.extend({ warnings: z.array(fault) }), 'what changed'),
        400: problemResponse,
      },
    }),
    async (c) => {
      const { file, text } = c.req.valid('json')
      const dryRun = c.req.valid('query').dryRun === 'true'
      return c.json(mutable(await deps.apply(text, file, dryRun)), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/registry/{kind}/{tenant}/{name}',
      summary: 'One object; its ETag guards changes',
      request: { params: place },
      responses: { 200: json(object, 'the object; secrets are references'), 404: problemResponse },
    }),
    (c) => {
      const { kind, tenant, name } = c.req.valid('param')
      const found = find(deps.registry.snapshot(), kind, tenant, name)
      if (found === undefined) throw missing(kind, tenant, name)
      c.header('etag', etagOf(found))
      return c.json(mutable({ ...found }) as Record<string, unknown>, 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'put',
      path: '/v1/registry/{kind}/{tenant}/{name}',
      summary: 'Create or replace one object',
      request: {
        params: place,
        headers: z.object({ 'if-match': z.string().optional() }),
        body: { required: true, content: { 'application/json': { schema: object } } },
      },
      responses: {
        200: json(published, 'what changed'),
        400: problemResponse,
        412: problemResponse,
      },
    }),
    async (c) => {
      const { kind, tenant, name } = c.req.valid('param')
      const condition = await guard(deps.writer, { kind, tenant, name }, c.req.header('if-match'))
      const wanted = deps.checkObject({ kind, tenant, name }, c.req.valid('json'))
      return c.json(mutable(await deps.writer.publish({ put: [wanted] }, condition)), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/registry/{kind}/{tenant}/{name}',
      summary: 'Remove one object',
      request: { params: place, headers: z.object({ 'if-match': z.string().optional() }) },
      responses: {
        200: json(published, 'what changed'),
        404: problemResponse,
        412: problemResponse,
      },
    }),
    async (c) => {
      const { kind, tenant, name } = c.req.valid('param')
      const found = find(deps.registry.snapshot(), kind, tenant, name)
      if (found === undefined) throw missing(kind, tenant, name)
      const condition = await guard(deps.writer, { kind, tenant, name }, c.req.header('if-match'))
      const change = { delete: [{ kind, tenant, name }] }
      return c.json(mutable(await deps.writer.publish(change, condition)), 200)
    },
  )
}

const missing = (kind: string, tenant: string, name: string): ZenhookError =>
  new ZenhookError('ZENHOOK_API_NOT_FOUND', { message: `There is no ${kind} ${tenant}/${name}` })

/**
 * `If-Match`: the change is made on what is there now, as the log has it. Gives what the publication has to
 * find unchanged, so that nobody comes in between.
 */
const guard = async (
  writer: ApiDependencies['writer'],
  { kind, tenant, name }: ObjectPlace,
  ifMatch: string | undefined,
): Promise<{ ifRevision?: string }> => {
  if (ifMatch === undefined) return {}
  const { revision, objects } = await writer.present()
  const present = objects.find(
    (each) => each.kind === kind && each.spec.tenant === tenant && each.spec.name === name,
  )
  const fits = present !== undefined && (ifMatch === '*' || etagOf(present.spec) === ifMatch)
  if (!fits) throw new ZenhookError('ZENHOOK_API_CONFLICT')
  return { ifRevision: revision }
}
