import { isBoundedForm, isBoundedJson, startsLikeJson } from './bounds.ts'
import type { Event } from './types.ts'

/** An event without its parsed body. */
export type EventFields = Omit<Event, 'data'>

/** Builds an event whose `data` is parsed from `raw` on first use, once. */
export const makeEvent = (fields: EventFields): Event =>
  assemble(fieldsOf(fields, fields.facts), { parsed: false, data: undefined })

/** The same event with these facts instead; raw bytes and parsed body are shared, not copied. */
export const withFacts = (event: Event, facts: Event['facts']): Event =>
  assemble(fieldsOf(event, facts), bodyOf(event))

/** The same event, knowing where it lies in `received`. */
export const withOrigin = (event: Event, origin: Event['origin']): Event => {
  const fields = fieldsOf(event, event.facts)
  fields.origin = origin
  return assemble(fields, bodyOf(event))
}

/** The parsed body, shared by all copies of an event. */
interface Body {
  parsed: boolean
  data: unknown
}

const body = Symbol('body')
type Holder = EventFields & { readonly [body]: Body }
type Writable<T> = { -readonly [K in keyof T]: T[K] }

// A copy by spreading has its data as a plain value.
const bodyOf = (event: Event): Body =>
  (event as Partial<Holder>)[body] ?? { parsed: true, data: event.data }

// One getter for all events: with one each, no two events would share a shape.
const dataProperty = {
  get(this: Holder): unknown {
    const found = this[body]
    if (!found.parsed) {
      found.data = parseData(this.contentType, this.raw)
      found.parsed = true
    }
    return found.data
  },
  enumerable: true,
  configurable: true,
}

const assemble = (fields: EventFields, value: Body): Event => {
  Object.defineProperty(fields, body, { value })
  return Object.defineProperty(fields, 'data', dataProperty) as Event
}

// Spelled out, so that all events have one shape and no getter is run by copying.
const fieldsOf = (from: EventFields, facts: Event['facts']): Writable<EventFields> => ({
  id: from.id,
  tenant: from.tenant,
  source: from.source,
  provider: from.provider,
  type: from.type,
  key: from.key,
  dedupeKey: from.dedupeKey,
  dedupeWindowMs: from.dedupeWindowMs,
  deliveryId: from.deliveryId,
  receivedAt: from.receivedAt,
  contentType: from.contentType,
  headers: from.headers,
  raw: from.raw,
  facts,
  verification: from.verification,
  traceparent: from.traceparent,
  tracestate: from.tracestate,
  origin: from.origin,
})

const text = new TextDecoder()

/**
 * The body as data: JSON (also as the one field `payload` of a form), or a form as an object of strings; `undefined` when it is neither. Never throws.
 * A JSON body labelled `text/plain` counts as JSON, for that is how Amazon SNS sends it.
 */
export const parseData = (contentType: string, raw: Uint8Array): unknown => {
  const end = contentType.indexOf(';')
  const media = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  if (media === 'application/x-www-form-urlencoded')
    return startsLikeJson(raw) ? parseJson(raw) : parseForm(raw)
  if (media === 'application/json' || media.endsWith('+json') || media === 'text/json')
    return parseJson(raw)
  if ((media === 'text/plain' || media === '') && startsLikeJson(raw)) return parseJson(raw)
  return undefined
}

const parseForm = (raw: Uint8Array): unknown => {
  if (!isBoundedForm(raw)) return undefined
  const form: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(text.decode(raw)))
    if (name !== '__proto__' && !Object.hasOwn(form, name)) form[name] = value
  const { payload } = form
  // GitHub and Slack can send their JSON as the one field of a form.
  const wrapped = payload !== undefined && Object.keys(form).length === 1
  return (wrapped ? parseJson(new TextEncoder().encode(payload)) : undefined) ?? form
}

const parseJson = (raw: Uint8Array): unknown => {
  if (!isBoundedJson(raw)) return undefined
  const source = text.decode(raw)
  try {
    const data: unknown = JSON.parse(source)
    // The key may also be written with escapes, so any escape makes us look.
    return source.includes('__proto__') || source.includes('\\u') ? withoutProto(data) : data
  } catch {
    return undefined
  }
}

// An own `__proto__` becomes a prototype as soon as somebody copies the object key by key.
const withoutProto = (data: unknown): unknown => {
  if (typeof data !== 'object' || data === null) return data
  if (Object.hasOwn(data, '__proto__')) Reflect.deleteProperty(data, '__proto__')
  for (const value of Object.values(data)) withoutProto(value)
  return data
}
