import { errors } from 'undici'
import { isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

const tlsCode =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/

// Codes of a dial that never reached the other side: nothing of the request was sent.
const unsent = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * What an exchange died of, as an error of ours. `details.sent` says whether the other side may
 * have got the request, and so may have acted on it.
 */
export const failureOf = (error: unknown, origin: string, sent: boolean): ZenhookError => {
  if (isZenhookError(error)) return error
  if (error instanceof AggregateError && error.errors.length > 0) {
    return failureOf(error.errors[0], origin, sent)
  }
  const code = codeOf(error)
  if (error instanceof errors.InvalidArgumentError) {
    return new ZenhookError('ZENHOOK_NET_REQUEST_REFUSED', {
      message: `The request to ${origin} is not valid: ${error.message}`,
      cause: error,
    })
  }
  if (tlsCode.test(code)) {
    return new ZenhookError('ZENHOOK_NET_TLS_REFUSED', {
      message: `The TLS handshake with ${origin} failed: ${code}`,
      retriable: true,
      details: { sent: false, code },
      cause: error,
    })
  }
  const reached = sent && !unsent.has(code)
  const timedOut = code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT'
  return new ZenhookError(timedOut ? 'ZENHOOK_NET_TIMEOUT' : 'ZENHOOK_NET_CONNECTION_FAILED', {
    message: `The connection to ${origin} failed: ${code === '' ? messageOf(error) : code}`,
    retriable: true,
    details: { sent: reached, code },
    cause: error,
  })
}
