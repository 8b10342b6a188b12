import { isAsSaid, parseBody } from './body.ts'
import { type RawRequest, type Refused, refuse, type View } from './types.ts'

export const viewOf = (request: RawRequest): View => {
  const all = (name: string): readonly string[] => {
    const values: string[] = []
    // Cheaper than an index: few headers are asked for, and most differ in length.
    for (const [each, value] of request.headers)
      if (each.length === name.length && each.toLowerCase() === name) values.push(value)
    return values
  }
  const { content = request.body } = request
  const type = (): string => all('content-type')[0] ?? ''
  let parsed: { value: unknown } | undefined
  return {
    request,
    all,
    names: () => [...new Set(request.headers.map(([name]) => name.toLowerCase()))],
    body: () => {
      parsed ??= { value: parseBody(type(), content) }
      return parsed.value
    },
    peek: () => (parsed !== undefined && isAsSaid(type(), content) ? parsed : undefined),
  }
}

/** The one value of a header. Twice is malformed: which of the two would be the right one? */
export const single = (view: View, name: string): string | Refused => {
  const values = view.all(name)
  const value = values[0]
  if (value === undefined) return refuse('missing', `header ${name}`)
  if (values.length > 1) return refuse('malformed', `header ${name} is repeated`)
  if (value === '') return refuse('malformed', `header ${name} is empty`)
  return value
}

/** Path and query as they are written: a URL parser would already mend what was signed. */
export const splitUrl = (url: string): { path: string; query: string } => {
  const rest = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
  const at = rest.indexOf('?')
  return at < 0
    ? { path: rest || '/', query: '' }
    : { path: rest.slice(0, at) || '/', query: rest.slice(at + 1) }
}
