import type { EgressResponse } from '../core/net/index.ts'
import { excerptOf } from './http.ts'
import type { ConnectorContext, Failed } from './types.ts'

export interface JsonRequest {
  method?: string
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  json?: unknown
  /** Sent as a form. */
  form?: URLSearchParams
  signal: AbortSignal
}

export interface JsonResponse {
  response: EgressResponse
  /** The body as an object; `undefined` when it is none. */
  data: Readonly<Record<string, unknown>> | undefined
}

export const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const text = new TextDecoder()

export const parseObject = (body: Uint8Array): Readonly<Record<string, unknown>> | undefined => {
  try {
    const data: unknown = JSON.parse(text.decode(body))
    return typeof data === 'object' && data !== null
      ? (data as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}

/** One exchange in JSON through the guarded egress. Rejects with ZENHOOK_NET_*. */
export const exchangeJson = async (
  { egress, timeoutMs, destination }: ConnectorContext,
  url: string,
  { method = 'POST', headers = {}, json, form, signal }: JsonRequest,
): Promise<JsonResponse> => {
  const body = json === undefined ? form?.toString() : JSON.stringify(json)
  const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json'
  const response = await egress.request(url, {
    method,
    headers: {
      accept: 'application/json',
      'user-agent': 'Zenhook',
      ...(body === undefined ? {} : { 'content-type': `${type}; charset=utf-8` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
    timeoutMs,
    allowPrivate: destination.allowPrivate,
    owner: destination,
    signal,
  })
  return { response, data: parseObject(response.body) }
}

/**
 * A success whose answer is longer than what is read: the receiver has acted, and only what it says about it is
 * lost. `start` is what a success begins with, without blanks, so that no page for people is taken for one.
 */
export const isCutSuccess = ({ status, body, truncated }: EgressResponse, start: string): boolean =>
  truncated &&
  status >= 200 &&
  status < 300 &&
  text.decode(body.subarray(0, 200)).replace(/\s+/g, '').startsWith(start)

/** A success that is not in the protocol: the receiver may have acted, and nobody can tell. */
export const malformed = ({ status, body }: EgressResponse): Failed => ({
  kind: 'failed',
  reason: 'malformed_answer',
  status,
  retriable: true,
  possibleDuplicate: true,
  error: `The receiver answered ${status} with what is not its protocol: ${excerptOf(body, 120)}`,
})
