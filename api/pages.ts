import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { cursorOf, type Place, parseCursor } from '../core/decisions/cursor.ts'

/** What a query says of its page. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  cursor: z.string().optional().describe('`next` of the page before'),
}

interface Asked {
  limit: number
  cursor?: string | undefined
}

/** Those of a page behind a cursor, and the cursor of the next; newest first. */
export const pageOf = <T>(
  found: readonly T[],
  placeOf: (each: T) => Place,
  { limit, cursor }: Asked,
): { page: readonly T[]; next: string | undefined } => {
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  const isAfter = ({ at, id }: Place): boolean =>
    after === undefined || at < after.at || (at === after.at && id < after.id)
  const byAge = (a: Place, b: Place): number => b.at - a.at || (a.id < b.id ? 1 : -1)
  const left = found
    .filter((each) => isAfter(placeOf(each)))
    .toSorted((a, b) => byAge(placeOf(a), placeOf(b)))
  const last = left.length > limit ? left[limit - 1] : undefined
  return {
    page: left.slice(0, limit),
    next: last === undefined ? undefined : cursorOf(placeOf(last)),
  }
}

/** Names the page that follows as RFC 8288 says; nothing where this one is the last. */
export const linkNext = (c: Context, next: string | undefined): void => {
  if (next === undefined) return
  const url = new URL(c.req.url)
  url.searchParams.set('cursor', next)
  c.header('link', `<${url.pathname}${url.search}>; rel="next"`)
}

/** A strong entity tag of a text. */
export const tagOf = (text: string): string =>
  `"${createHash('sha256').update(text).digest('base64url')}"`

/** Whether `If-None-Match` names this entity (RFC 9110, weak comparison). */
export const isKnown = (c: Context, etag: string): boolean =>
  (c.req.header('if-none-match') ?? '')
    .split(',')
    .map((each) => each.trim().replace(/^W\//, ''))
    .some((each) => each === '*' || each === etag)
