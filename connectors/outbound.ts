import { liveRun } from '../core/event/index.ts'
import { childTraceparent } from '../core/telemetry/index.ts'
import type { SigningKey } from './signing.ts'
import { signatureOf } from './signing.ts'
import type { Attempt, Failed, OutboundMessage } from './types.ts'

/** Counts how often an event went out of a Zenhook: a loop of routes ends here. */
export const hopHeader = 'zenhook-hops'
export const maxHops = 3

/** On what a replay sends: its id. `webhook-id` is the one of the first time. */
export const replayHeader = 'zenhook-replay'

const hopsOf = ({ dispatch }: Attempt): number => {
  const hops = Number(dispatch.event.headers[hopHeader] ?? 0)
  return Number.isSafeInteger(hops) && hops >= 0 ? hops : maxHops
}

export const loopOf = (attempt: Attempt): Failed | undefined =>
  hopsOf(attempt) < maxHops
    ? undefined
    : {
        kind: 'failed',
        reason: 'hop_limit',
        retriable: false,
        error: `The event passed through Zenhook ${hopsOf(attempt)} times already: routes form a loop`,
      }

// Header values are bytes of Latin-1 at best; what is beyond printable ASCII is percent-encoded.
const plain = /^[\x20-\x7e]*$/
const headerSafe = (value: string): string =>
  plain.test(value) ? value : value.replace(/[^\x20-\x7e]+/gu, (part) => encodeSafely(part))

const encodeSafely = (part: string): string => {
  try {
    return encodeURIComponent(part)
  } catch {
    return '%EF%BF%BD'
  }
}

// They say how the provider's request was carried, not what it was about.
const carried = new Set([hopHeader, 'content-type', 'content-length', 'traceparent', 'tracestate'])

const json = new TextEncoder()

export interface OutboundOptions {
  method?: string
  /** The user's own headers; ours stand above them. */
  headers?: Readonly<Record<string, string>>
  keys: readonly SigningKey[]
  now: number
}

/**
 * An event as a Standard Webhooks 1.0 message: the verified bytes and their content type unchanged,
 * or the transform's result as JSON; the provider's own headers as `zenhook-source-*`.
 */
export const outboundOf = (
  { dispatch, transformed, traceparent }: Attempt,
  { method = 'POST', headers = {}, keys, now }: OutboundOptions,
): OutboundMessage => {
  const { event } = dispatch
  const body = transformed === undefined ? event.raw : json.encode(JSON.stringify(transformed))
  const out: Record<string, string> = {}
  for (const name in headers) out[name.toLowerCase()] = headers[name] ?? ''
  for (const name in event.headers) {
    if (carried.has(name)) continue
    out[`zenhook-source-${name}`] = headerSafe(event.headers[name] ?? '')
  }
  const contentType = transformed === undefined ? event.contentType : 'application/json'
  if (contentType !== '') out['content-type'] = headerSafe(contentType)
  out['user-agent'] = 'Zenhook'
  out['zenhook-event-id'] = event.id
  out['zenhook-event-type'] = headerSafe(event.type)
  if (dispatch.run !== liveRun) out[replayHeader] = dispatch.run
  out[hopHeader] = String(hopsOf({ dispatch, number: 0 }) + 1)
  out.traceparent = traceparent ?? childTraceparent(event.traceparent)
  if (event.tracestate !== undefined) out.tracestate = headerSafe(event.tracestate)
  const timestamp = Math.floor(now / 1000)
  out['webhook-id'] = dispatch.id
  out['webhook-timestamp'] = String(timestamp)
  if (keys.length > 0) out['webhook-signature'] = signatureOf(keys, dispatch.id, timestamp, body)
  return { method, headers: out, body }
}
