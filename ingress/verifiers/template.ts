import { ZenhookError } from '../../core/errors/index.ts'
import { valueAt } from './body.ts'
import { type Refused, refuse, type View } from './types.ts'
import { single } from './view.ts'

export type Part = string | Uint8Array

/** What is signed, compiled: gives the parts in order, so that a large body is never copied. */
export interface Template {
  readonly coversBody: boolean
  readonly usesTimestamp: boolean
  parts(view: View, timestamp: string): readonly Part[] | Refused
}

type Read = (view: View, timestamp: string) => Part | Refused

// HubSpot signs its URL with these decoded (and with no others).
const decodable = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi

const named: Readonly<Record<string, Read>> = {
  method: ({ request }) => request.method.toUpperCase(),
  url: ({ request }) => request.url,
  'url:decoded': ({ request }) => request.url.replace(decodable, decodeURIComponent),
  path: ({ request }) => request.path,
  query: ({ request }) => request.query,
  body: ({ request }) => request.body,
  timestamp: (_, timestamp) => timestamp,
}

const reader = (name: string): Read => {
  const known = Object.hasOwn(named, name) ? named[name] : undefined
  if (known) return known
  const [kind, argument = ''] = name.split(/:(.*)/s)
  if (kind === 'header' && argument) {
    const header = argument.toLowerCase()
    return (view) => single(view, header)
  }
  if (kind === 'body' && argument)
    return (view) => valueAt(view.body(), argument) ?? refuse('missing', `body field ${argument}`)
  throw new ZenhookError('ZENHOOK_VERIFY_SETTINGS', {
    message: `The signing template names {${name}}, which does not exist`,
    fix: 'Use {method}, {url}, {url:decoded}, {path}, {query}, {body}, {timestamp}, {header:NAME} or {body:PATH}',
  })
}

export const compileTemplate = (template: string): Template => {
  const pieces = template.split(/\{([^{}]*)\}/)
  const reads = pieces.flatMap<string | Read>((piece, at) => {
    if (at % 2 === 1) return [reader(piece)]
    return piece === '' ? [] : [piece]
  })
  const references = pieces.filter((_, at) => at % 2 === 1)
  return {
    coversBody: references.includes('body'),
    usesTimestamp: references.includes('timestamp'),
    parts: (view, timestamp) => {
      const parts: Part[] = []
      for (const read of reads) {
        const part = typeof read === 'string' ? read : read(view, timestamp)
        if (typeof part !== 'string' && !(part instanceof Uint8Array)) return part
        parts.push(part)
      }
      return parts
    },
  }
}

/** For algorithms that take their data in one piece. */
export const joined = (parts: readonly Part[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
