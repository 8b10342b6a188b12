import { createHash } from 'node:crypto'
import type { Context } from 'hono'

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
