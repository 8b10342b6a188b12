import { parseBody } from './body.ts'
import { type RawRequest, type Refused, refuse, type View } from './types.ts'

const none: readonly string[] = []

export const viewOf = (request: RawRequest): View => {
  const index = new Map<string, string[]>()
  for (const [name, value] of request.headers) {
    const key = name.toLowerCase()
    const values = index.get(key)
    if (values) values.push(value)
    else index.set(key, [value])
  }
  let parsed: { value: unknown } | undefined
  return {
    request,
    all: (name) => index.get(name) ?? none,
    names: () => [...index.keys()],
    body: () => {
      parsed ??= { value: parseBody(index.get('content-type')?.[0] ?? '', request.body) }
      return parsed.value
    },
    peek: () => parsed,
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
