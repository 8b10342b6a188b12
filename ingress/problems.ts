import { STATUS_CODES } from 'node:http'
import { catalog, type ErrorCode } from '../core/errors/index.ts'
import { problemDocument } from '../core/errors/problem.ts'

/** Every refusal of the public listener, by its code in the catalogue. */
export const statuses = {
  ZENHOOK_INGRESS_MALFORMED: 400,
  ZENHOOK_INGRESS_UNAUTHORIZED: 401,
  ZENHOOK_INGRESS_NOT_FOUND: 404,
  ZENHOOK_INGRESS_METHOD_NOT_ALLOWED: 405,
  ZENHOOK_INGRESS_TIMEOUT: 408,
  ZENHOOK_INGRESS_LENGTH_REQUIRED: 411,
  ZENHOOK_INGRESS_BODY_TOO_LARGE: 413,
  ZENHOOK_INGRESS_UNSUPPORTED_MEDIA: 415,
  ZENHOOK_INGRESS_EXPECTATION_FAILED: 417,
  ZENHOOK_INGRESS_RATE_LIMITED: 429,
  ZENHOOK_INGRESS_HEADERS_TOO_LARGE: 431,
  ZENHOOK_INGRESS_NOT_READY: 503,
  ZENHOOK_INGRESS_OVERLOADED: 503,
  ZENHOOK_INGRESS_REPLAY_UNCHECKED: 503,
  ZENHOOK_INGRESS_SECRET_UNAVAILABLE: 503,
  ZENHOOK_INGRESS_UNAVAILABLE: 503,
  ZENHOOK_INGRESS_INTERNAL: 503,
} as const satisfies Partial<Record<ErrorCode, number>>

export type ProblemCode = keyof typeof statuses

/** What makes a request end without its event being stored. */
export interface Refusal {
  code: ProblemCode
  /** More exact than the summary; never of the credential, never of what is configured. */
  detail?: string
  retryAfterMs?: number
  headers?: Readonly<Record<string, string>>
  /** The rest of the connection cannot be trusted, or is not worth reading. */
  close?: boolean
}

export const refuse = (code: ProblemCode, rest: Omit<Refusal, 'code'> = {}): Refusal => ({
  code,
  ...rest,
})

const defaultRetryMs = 5_000

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** RFC 9457. */
export const problemAnswer = (refusal: Refusal, requestId: string): Answer => {
  const { code, detail, retryAfterMs } = refusal
  const status = statuses[code]
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'x-request-id': requestId,
    ...refusal.headers,
  }
  if (status === 503 || status === 429)
    headers['retry-after'] = String(Math.max(1, Math.ceil((retryAfterMs ?? defaultRetryMs) / 1000)))
  if (refusal.close === true) headers.connection = 'close'
  const body = problemDocument(code, { status, detail: detail ?? catalog[code].fix, requestId })
  return { status, headers, body }
}

/** The same as bytes, for a connection whose request could not even be parsed. */
export const problemBytes = (refusal: Refusal, requestId: string): string => {
  const { status, headers, body } = problemAnswer({ ...refusal, close: true }, requestId)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `date: ${new Date().toUTCString()}`,
    ...lines,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
