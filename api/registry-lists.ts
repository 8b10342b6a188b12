import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { ZenhookError } from '../core/errors/index.ts'
import { namePattern } from '../core/registry/objects.ts'
import type { ObjectKind, ObjectKinds, Snapshot } from '../core/registry/types.ts'
import type { AdminApp } from './app.ts'
import { json, problemResponse } from './openapi.ts'
import { isKnown, linkNext, tagOf } from './pages.ts'
import { kinds, object } from './registry.ts'
import type { ApiDependencies } from './types.ts'

type Spec = ObjectKinds[ObjectKind]

const paging = z.object({
  cursor: z.string().max(300).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
const kind = z.enum(kinds)
const tenant = z.string().regex(namePattern, 'a DNS label')
const condition = z.object({ 'if-none-match': z.string().optional() })

const page = z
  .object({
    objects: z.array(object),
    next: z.string().optional(),
  })
  .openapi('RegistryPage')

const responses = {
  200: {
    ...json(page, 'a page; `next` is the cursor of the following one, also in Link'),
    headers: z.object({
      etag: z.string().openapi({ description: 'of this page' }),
      link: z.string().optional().openapi({ description: 'rel="next" while there is more' }),
    }),
  },
  304: { description: 'the page is still the one of If-None-Match' },
  400: problemResponse,
}

const all = (snapshot: Snapshot, kind: ObjectKind): readonly Spec[] => {
  if (kind === 'source') return [...snapshot.sources()]
  if (kind === 'destination') return [...snapshot.destinations()]
  return snapshot.tenants().flatMap((each) => snapshot.routes(each))
}

const keyOf = ({ tenant, name }: Spec): string => `${tenant}/${name}`
const byKey = (one: Spec, other: Spec): number => (keyOf(one) < keyOf(other) ? -1 : 1)

const parseCursor = (cursor: string): string => {
  const key = Buffer.from(cursor, 'base64url').toString()
  const names = key.split('/')
  if (names.length === 2 && names.every((name) => namePattern.test(name))) return key
  throw new ZenhookError('ZENHOOK_API_INVALID', {
    message: 'The cursor is not one that a page gave',
    fix: 'Pass `next` of the page before, as it is',
    details: { errors: [{ pointer: '#/cursor', detail: 'not one that a page gave' }] },
  })
}

interface Asked {
  kind: ObjectKind
  tenant?: string
  cursor?: string | undefined
  limit: number
}

const pageOf = (snapshot: Snapshot, { kind, tenant, cursor, limit }: Asked) => {
  const after = cursor === undefined ? '' : parseCursor(cursor)
  const rest = all(snapshot, kind)
    .filter((spec) => (tenant === undefined || spec.tenant === tenant) && keyOf(spec) > after)
    .sort(byKey)
  const objects = rest.slice(0, limit)
  const last = objects.at(-1)
  if (last === undefined || rest.length === objects.length) return { objects }
  return { objects, next: Buffer.from(keyOf(last)).toString('base64url') }
}

/** The collections of the registry, ordered by tenant and name: a page never shifts while it is read. */
export const registryLists = (app: AdminApp, { registry }: ApiDependencies): void => {
  const answer = (c: Context, asked: Asked): Response => {
    const found = pageOf(registry.snapshot(), asked)
    const text = JSON.stringify(found)
    const etag = tagOf(text)
    c.header('etag', etag)
    linkNext(c, found.next)
    if (isKnown(c, etag)) return c.body(null, 304)
    return c.body(text, 200, { 'content-type': 'application/json' })
  }
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/registry/{kind}',
      summary: 'Objects of one kind, by tenant and name',
      request: { params: z.object({ kind }), query: paging, headers: condition },
      responses,
    }),
    (c) => answer(c, { ...c.req.valid('param'), ...c.req.valid('query') }),
  )
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/registry/{kind}/{tenant}',
      summary: 'Objects of one kind of one tenant, by name',
      request: { params: z.object({ kind, tenant }), query: paging, headers: condition },
      responses,
    }),
    (c) => answer(c, { ...c.req.valid('param'), ...c.req.valid('query') }),
  )
}
