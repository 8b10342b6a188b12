import { createRoute, z } from '@hono/zod-openapi'
import { ZenhookError } from '../core/errors/index.ts'
import { namePattern } from '../core/registry/objects.ts'
import type { AnyObject } from '../core/registry/port.ts'
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
      if (found === undefined) throw missing({ kind, tenant, name })
      c.header('etag', etagOf(found))
      return c.json(mutable({ ...found }) as Record<string, unknown>, 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'put',
      path: '/v1/registry/{kind}/{tenant}/{name}',
      summary: 'Create or replace one object',
      description:
        'As GET gives it, or as it stands in a configuration file; both are held against the same rules and against what is published now. A new route comes last unless it says its index.',
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
      const place = c.req.valid('param')
      const done = await deps.writer.publish(({ objects }) => {
        guard(objectAt(objects, place), c.req.header('if-match'))
        return { put: [deps.checkObject(place, c.req.valid('json'), objects)] }
      })
      return c.json(mutable(done), 200)
    },
  )
  app.openapi(
    createRoute({
      method: 'delete',
      path: '/v1/registry/{kind}/{tenant}/{name}',
      summary: 'Remove one object',
      description: 'A destination that a route goes to stays: 409.',
      request: { params: place, headers: z.object({ 'if-match': z.string().optional() }) },
      responses: {
        200: json(published, 'what changed'),
        404: problemResponse,
        409: problemResponse,
        412: problemResponse,
      },
    }),
    async (c) => {
      const place = c.req.valid('param')
      const done = await deps.writer.publish(({ objects }) => {
        const found = objectAt(objects, place)
        if (found === undefined) throw missing(place)
        guard(found, c.req.header('if-match'))
        refuseUsed(objects, place)
        return { delete: [place] }
      })
      return c.json(mutable(done), 200)
    },
  )
}

const missing = ({ kind, tenant, name }: ObjectPlace): ZenhookError =>
  new ZenhookError('ZENHOOK_API_NOT_FOUND', { message: `There is no ${kind} ${tenant}/${name}` })

const objectAt = (
  objects: readonly AnyObject[],
  { kind, tenant, name }: ObjectPlace,
): AnyObject | undefined =>
  objects.find(
    (each) => each.kind === kind && each.spec.tenant === tenant && each.spec.name === name,
  )

/** `If-Match`: the change is made on what is there now, as the log has it; other objects may change. */
const guard = (found: AnyObject | undefined, ifMatch: string | undefined): void => {
  if (ifMatch === undefined) return
  const fits = found !== undefined && (ifMatch === '*' || etagOf(found.spec) === ifMatch)
  if (!fits) throw new ZenhookError('ZENHOOK_API_CONFLICT')
}

/** A route must not be left without its destination: its events would go nowhere. */
const refuseUsed = (objects: readonly AnyObject[], { kind, tenant, name }: ObjectPlace): void => {
  if (kind !== 'destination') return
  const users = objects.flatMap((each) =>
    each.kind === 'route' && each.spec.tenant === tenant && each.spec.to.includes(name)
      ? [each.spec.name]
      : [],
  )
  if (users.length === 0) return
  throw new ZenhookError('ZENHOOK_API_IN_USE', {
    message: `The ${kind} ${tenant}/${name} is used by ${users.length === 1 ? 'the route' : 'the routes'} ${users.join(', ')}`,
  })
}
