import { STATUS_CODES } from 'node:http'
import { type ErrorCode, isZenhookError, messageOf } from '../core/errors/index.ts'
import type { EgressResponse } from '../core/net/index.ts'
import { clipped } from './facts.ts'
import type { Failed } from './types.ts'

const statusReasons = Object.fromEntries(
  Object.entries(STATUS_CODES)
    .filter(([status]) => Number(status) >= 300)
    .map(([status, text]) => [`http_${status}`, `The receiver answered ${status} ${text}`]),
)

/** Reasons that every connector over HTTP may give. */
export const httpReasons: Readonly<Record<string, string>> = {
  delivered: 'The receiver accepted it',
  ...statusReasons,
  http_other: 'The receiver answered with a status of its own invention',
  malformed_answer: 'The receiver said yes, but not in its protocol: whether it acted is unknown',
  timeout: 'No complete answer within the deadline',
  connection_failed: 'The connection could not be made, or broke',
  tls_refused: 'The certificate or TLS version of the receiver is not acceptable',
  unresolved: 'The host name cannot be resolved',
  address_denied: 'The address may not be reached from here',
  url_refused: 'The URL is not one that Zenhook connects to',
  request_refused: 'The request cannot be sent as configured',
  secret_unavailable: 'A secret cannot be read now, or has the wrong form',
  cancelled: 'Stopped from our side; no failure of the receiver',
}

const reasons: Partial<Record<ErrorCode, string>> = {
  ZENHOOK_NET_TIMEOUT: 'timeout',
  ZENHOOK_NET_CONNECTION_FAILED: 'connection_failed',
  ZENHOOK_NET_TLS_REFUSED: 'tls_refused',
  ZENHOOK_NET_UNRESOLVED: 'unresolved',
  ZENHOOK_NET_ADDRESS_DENIED: 'address_denied',
  ZENHOOK_NET_URL_REFUSED: 'url_refused',
  ZENHOOK_NET_REQUEST_REFUSED: 'request_refused',
  ZENHOOK_NET_CANCELLED: 'cancelled',
  ZENHOOK_REGISTRY_SECRET_MISSING: 'secret_unavailable',
  ZENHOOK_REGISTRY_SECRET_FORBIDDEN: 'secret_unavailable',
  ZENHOOK_CONNECTOR_SECRET_INVALID: 'secret_unavailable',
  ZENHOOK_KV_UNAVAILABLE: 'state_unavailable',
}

/** Anything that was thrown on the way out, as a result; faults that are not ours to classify are thrown on. */
export const failureOf = (error: unknown): Failed => {
  if (!isZenhookError(error)) throw error
  const reason = reasons[error.code]
  if (reason === undefined) throw error
  return {
    kind: 'failed',
    reason,
    // A missing secret is mended by putting it in place, without touching the destination.
    retriable: error.retriable || reason === 'secret_unavailable',
    ...(error.details.sent === true ? { possibleDuplicate: true } : {}),
    ...(reason === 'cancelled' ? { cancelled: true } : {}),
    error: messageOf(error),
  }
}

const year = 365 * 24 * 3_600_000

/**
 * `Retry-After` in ms: seconds (decimals, too) or an HTTP date. What is negative or past is 0, what
 * is no time at all is `undefined`; how long anybody really waits is policy.
 */
export const parseRetryAfter = (value: string | undefined, now: number): number | undefined => {
  const text = value?.trim() ?? ''
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) {
    return Math.min(Math.max(0, Math.ceil(Number(text) * 1000)), 100 * year)
  }
  if (!/^[A-Z][a-z]{2,8},? .*\d{4}/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), 100 * year)
}

// A later attempt can meet another answer: timeouts, throttling, trouble of the server; a redirect
// is a receiver that moved, and may be mended while the schedule lasts.
const retriableStatus = (status: number): boolean =>
  status >= 500 || status < 400 || status === 408 || status === 425 || status === 429

export const reasonOfStatus = (status: number): string =>
  Object.hasOwn(statusReasons, `http_${status}`) ? `http_${status}` : 'http_other'

const text = new TextDecoder()

/** Without control characters, line breaks included. */
export const oneLine = (words: string): string => words.replace(/\p{Cc}+/gu, ' ').trim()

/** The start of an answer, for people; `…` where it was cut. Far more is looked at, for blanks fall together. */
export const excerptOf = (body: Uint8Array, length = 200): string =>
  clipped(oneLine(text.decode(body.subarray(0, 16 * 1024))), length)

/** An answer outside 2xx, by its status alone. */
export const failedStatus = (response: EgressResponse, now: number): Failed => {
  const { status, headers, body } = response
  const retryAfterMs = parseRetryAfter(headers['retry-after'], now)
  const excerpt = excerptOf(body)
  return {
    kind: 'failed',
    reason: reasonOfStatus(status),
    status,
    retriable: retriableStatus(status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(status === 410 ? { disable: true } : {}),
    error: `The receiver answered ${status}${excerpt === '' ? '' : `: ${excerpt}`}`,
  }
}

// A server that cannot do it at all, or says when to come back.
const saysNothingDone = ({ status, retryAfterMs }: Failed): boolean =>
  status === 501 || (status === 503 && retryAfterMs !== undefined)

/** Of a write: 5xx, perhaps of a gateway, says that its answer was lost, which does not say that nothing was done. */
export const maybeWritten = (failed: Failed): Failed =>
  (failed.status ?? 0) >= 500 && !saysNothingDone(failed)
    ? { ...failed, possibleDuplicate: true }
    : failed
