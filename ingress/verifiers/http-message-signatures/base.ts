import { createHash } from 'node:crypto'
import { equalBytes } from '../compare.ts'
import { type Refused, refuse, type View } from '../types.ts'
import { byteSequences, type Component, type InnerList } from './fields.ts'

const authority = (url: URL): string => url.host.toLowerCase()

const derived: Readonly<Record<string, (view: View, url: URL) => string>> = {
  '@method': ({ request }) => request.method,
  '@target-uri': ({ request }) => request.url,
  '@authority': (_, url) => authority(url),
  '@scheme': (_, url) => url.protocol.slice(0, -1),
  '@request-target': ({ request }) =>
    request.query === '' ? request.path : `${request.path}?${request.query}`,
  '@path': ({ request }) => request.path,
  '@query': ({ request }) => `?${request.query}`,
}

const unreadable = (name: string): Refused => refuse('malformed', `component ${name.slice(0, 64)}`)

const valueOfComponent = (view: View, url: URL, { name, params }: Component): string | Refused => {
  if (name === '@query-param') {
    const wanted = params.get('name')
    if (typeof wanted !== 'string' || params.size !== 1) return unreadable(name)
    const values = new URLSearchParams(view.request.query).getAll(decodeURIComponent(wanted))
    const [value] = values
    if (value === undefined) return refuse('missing', `component ${name}`)
    return values.length > 1 ? unreadable(name) : encodeURIComponent(value)
  }
  // sf, bs, key, req and tr would need more of the message than a webhook has.
  if (params.size > 0) return unreadable(name)
  if (name.startsWith('@')) {
    const read = Object.hasOwn(derived, name) ? derived[name] : undefined
    return read ? read(view, url) : unreadable(name)
  }
  if (name !== name.toLowerCase()) return unreadable(name)
  const values = view.all(name)
  if (values.length === 0) return refuse('missing', `component ${name.slice(0, 64)}`)
  return values.map((value) => value.trim()).join(', ')
}

const identifier = ({ name, params }: Component): string =>
  `"${name}"${[...params].map(([key, value]) => `;${key}="${String(value)}"`).join('')}`

/** Each may read the whole query, before anything is proven: far more than any sender covers. */
const maxComponents = 32

/** The signature base of RFC 9421, section 2.5. */
export const signatureBase = (view: View, input: InnerList): string | Refused => {
  const lines: string[] = []
  const seen = new Set<string>()
  if (!URL.canParse(view.request.url)) return unreadable('@target-uri')
  const url = new URL(view.request.url)
  if (input.components.length > maxComponents)
    return refuse('malformed', `more than ${maxComponents} components`)
  for (const component of input.components) {
    const name = identifier(component)
    if (seen.has(name)) return unreadable(component.name)
    seen.add(name)
    let value: string | Refused
    try {
      value = valueOfComponent(view, url, component)
    } catch {
      value = unreadable(component.name)
    }
    if (typeof value !== 'string') return value
    if (/[\r\n]/.test(value)) return unreadable(component.name)
    lines.push(`${name}: ${value}`)
  }
  lines.push(`"@signature-params": ${input.raw}`)
  return lines.join('\n')
}

const hashes: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' }

/** Whether Content-Digest (RFC 9530), where it is there, is that of the body. */
export const checkDigest = (view: View): 'absent' | 'right' | Refused => {
  const values = view.all('content-digest')
  if (values.length === 0) return 'absent'
  const digests = byteSequences(values.join(', '))
  const known = digests && [...digests].filter(([name]) => Object.hasOwn(hashes, name))
  if (!known || known.length === 0) return refuse('malformed', 'content-digest')
  const right = known.every(([name, digest]) =>
    equalBytes(
      createHash(hashes[name] ?? 'sha256')
        .update(view.request.body)
        .digest(),
      digest,
    ),
  )
  return right ? 'right' : refuse('mismatch', 'content-digest')
}
