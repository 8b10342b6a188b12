import { createHash } from 'node:crypto'
import { z } from 'zod'
import { valuesAt } from './body.ts'
import type { View } from './types.ts'

/**
 * Where a value is, as data: a header, a path into the body (`*` takes each item of an array), a value that the
 * signature carries, or several of them.
 */
export type Pick =
  | { readonly header: string }
  | { readonly body: string }
  | { readonly proven: string }
  | { readonly text: string }
  /** The first that is there. */
  | { readonly first: readonly Pick[] }
  /** Those that are there, joined; with `every`, none unless all are. */
  | { readonly join: readonly Pick[]; readonly with?: string; readonly every?: boolean }
  /** A value replaced by its name in a table; a value that is not in the table gives none. */
  | { readonly map: Pick; readonly to: Readonly<Record<string, string>> }

export const pickSchema: z.ZodType<Pick> = z.lazy(() =>
  z.union([
    z.strictObject({ header: z.string().min(1).toLowerCase() }),
    z.strictObject({ body: z.string().min(1) }),
    z.strictObject({ proven: z.string().min(1) }),
    z.strictObject({ text: z.string().min(1) }),
    z.strictObject({ first: z.array(pickSchema).min(1) }),
    z.strictObject({
      join: z.array(pickSchema).min(1),
      with: z.string().optional(),
      every: z.boolean().optional(),
    }),
    z.strictObject({ map: pickSchema, to: z.record(z.string(), z.string()) }),
  ]),
)

type Proven = Readonly<Record<string, string>>

export const pick = (from: Pick, view: View, proven: Proven): string | undefined => {
  if ('header' in from) return view.all(from.header)[0] || undefined
  if ('body' in from) return valuesAt(view.body(), from.body).join(',') || undefined
  if ('proven' in from) return proven[from.proven] || undefined
  if ('text' in from) return from.text
  if ('first' in from) {
    for (const each of from.first) {
      const value = pick(each, view, proven)
      if (value !== undefined) return value
    }
    return undefined
  }
  if ('map' in from) {
    const value = pick(from.map, view, proven)
    return value !== undefined && Object.hasOwn(from.to, value) ? from.to[value] : undefined
  }
  const values = from.join.map((each) => pick(each, view, proven))
  const there = values.filter((value) => value !== undefined)
  if (there.length === 0 || (from.every && there.length < values.length)) return undefined
  return there.join(from.with ?? '.')
}

/** A delivery id fit for a key: as it is, or its digest where it is long or holds odd characters. */
export const idOf = (value: string): string =>
  /^[\x21-\x7e]{1,200}$/.test(value)
    ? value
    : `sha256:${createHash('sha256').update(value).digest('hex')}`

/** A type fit for a header, a metric and a screen: printable ASCII, at most 120 characters. */
export const typeOf = (value: string): string => value.slice(0, 120).replace(/[^\x21-\x7e]/g, '_')
