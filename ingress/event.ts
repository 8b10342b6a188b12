import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Event, makeEvent } from '../core/event/index.ts'
import { compilePath, getPathText, type Path } from '../core/expression/path.ts'
import type { NewRecord } from '../core/log/port.ts'
import type { Source } from '../core/registry/types.ts'
import { parseTraceparent } from '../core/telemetry/index.ts'
import type { Head } from './head.ts'
import type { Genuine, Verifier } from './verifiers/types.ts'

export interface EventInput {
  id: string
  receivedAt: number
  source: Source
  verifier: Pick<Verifier, 'provider' | 'dedupeWindowMs' | 'keepHeaders'>
  verified: Genuine
  head: Head
  rawHeaders: readonly string[]
  body: Uint8Array
  /** The parsed body. */
  data: unknown
  bodyDigest: string
  /** Of the span of its request; made from the event's id where it is absent. */
  traceparent?: string | undefined
}

const digest = (parts: readonly string[]): string =>
  hash('sha256', parts.map((part) => `${part.length}:${part}`).join(''), 'base64url')

const paths = new LRUCache<string, Path>({ max: 1_000 })

/** What lies at a path of the configuration, as text. */
const at = (data: unknown, source: string): string | undefined => {
  let path = paths.get(source)
  if (path === undefined) {
    path = compilePath(source)
    paths.set(source, path)
  }
  return getPathText(data, path)
}

/** Kept from every sender: it ends loops of our own deliveries. */
const hopHeader = 'zenhook-hops'

/** Allow-listed fields, lower case; what was sent several times is joined as HTTP joins it. */
export const keptHeaders = (
  rawHeaders: readonly string[],
  keep: readonly string[],
): Record<string, string> => {
  const kept: Record<string, string> = {}
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!keep.includes(name) && name !== hopHeader) continue
    const value = rawHeaders[index + 1] ?? ''
    kept[name] = Object.hasOwn(kept, name) ? `${kept[name]}, ${value}` : value
  }
  return kept
}

/** The event that a genuine request becomes. Its keys are scoped by tenant and source. */
export const buildEvent = (input: EventInput): Event => {
  const { source, verified, verifier, head } = input
  const { tenant, name } = source
  const key = source.dedupe.key === undefined ? undefined : at(input.data, source.dedupe.key)
  const order = source.ordering === undefined ? undefined : at(input.data, source.ordering)
  const identity = identityParts(key, verified.deliveryId, input.bodyDigest)
  const dedupeKey = digest([tenant, name, ...identity])
  const { withId, withoutId } = verifier.dedupeWindowMs
  return makeEvent({
    id: input.id,
    tenant,
    source: name,
    provider: verifier.provider,
    type: verified.type,
    key: order === undefined ? dedupeKey : `${tenant}/${name}/${digest(['order', order])}`,
    dedupeKey,
    dedupeWindowMs: source.dedupe.windowMs ?? (identity[0] === 'body' ? withoutId : withId),
    ...(verified.deliveryId === undefined ? {} : { deliveryId: verified.deliveryId }),
    receivedAt: input.receivedAt,
    contentType: head.contentType,
    headers: keptHeaders(input.rawHeaders, verifier.keepHeaders),
    raw: input.body,
    facts: {},
    verification: {
      scheme: verified.scheme,
      bodyCovered: verified.bodyCovered,
      idCovered: verified.idCovered,
      ...(verified.secretIndex === undefined ? {} : { secretIndex: verified.secretIndex }),
    },
    traceparent: input.traceparent ?? traceOf(head.traceparent, input.id),
    ...(head.tracestate === undefined ? {} : { tracestate: head.tracestate }),
  })
}

/**
 * The sender's trace with a span of ours, or a new one. Both are made from the event's id: its last 62 bits are
 * random, and whoever has the id finds the trace.
 */
const traceOf = (header: string | undefined, id: string): string => {
  const own = id.replaceAll('-', '')
  const parent = parseTraceparent(header)
  return parent === undefined
    ? `00-${own}-${own.slice(16)}-01`
    : `00-${parent.traceId}-${own.slice(16)}-${parent.flags}`
}

/** What makes two events duplicates: the configured value, else the provider's id, else the bytes. */
const identityParts = (
  key: string | undefined,
  deliveryId: string | undefined,
  bodyDigest: string,
): readonly [kind: string, value: string] => {
  if (key !== undefined) return ['key', key]
  return deliveryId === undefined ? ['body', bodyDigest] : ['id', deliveryId]
}

/** The event as a record of `received`; `ordered` where its source asks for an order. */
export const recordOf = (
  event: Event,
  value: Uint8Array,
  { checked, ordered }: { checked: boolean; ordered: boolean },
): NewRecord => ({
  topic: 'received',
  key: event.key,
  unordered: !ordered,
  value,
  owned: true,
  timestamp: event.receivedAt,
  headers: {
    id: event.id,
    type: event.type,
    tenant: event.tenant,
    source: event.source,
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    ...(event.tracestate === undefined ? {} : { tracestate: event.tracestate }),
    ...(checked ? {} : { replay: 'unchecked' }),
  },
})
