import { isIP } from 'node:net'
import { ZenhookError } from '../errors/index.ts'

/** A URL that was checked for its form; what it resolves to is checked when it is dialled. */
export interface Target {
  /** `https://host:port`, as undici names a pool. */
  origin: string
  protocol: 'http:' | 'https:'
  /** Without the brackets of IPv6. */
  host: string
  port: number
  /** Path and query. */
  path: string
  /** The host is an address, not a name. */
  literal: boolean
}

const refused = (reason: string, message: string): ZenhookError =>
  new ZenhookError('ZENHOOK_NET_URL_REFUSED', { message, details: { reason } })

// Full stops that IDNA maps to a dot: a name that hides behind them is never an honest one.
const foreignDots = /[\u3002\uff0e\uff61]/

const maxUrl = 8192

/**
 * Checks the form of a URL. A host that the URL parser had to rewrite into an address
 * (`2130706433`, `0x7f.1`, `127.1`, full-width digits, percent escapes) is refused, whatever it means.
 */
export const parseTarget = (text: string): Target => {
  if (text.length > maxUrl) throw refused('too_long', `A URL is longer than ${maxUrl} characters`)
  if (!URL.canParse(text)) throw refused('malformed', 'The URL cannot be parsed')
  const url = new URL(text)
  const { protocol } = url
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw refused('scheme', `The scheme ${protocol.slice(0, 20)} is neither http nor https`)
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('userinfo', 'The URL holds user information; credentials belong in secrets')
  }
  const written = /^[a-z]+:[\\/]*([^\\/?#]*)/i.exec(text.trim())?.[1] ?? ''
  if (written.includes('@')) {
    throw refused('userinfo', 'The URL holds user information; credentials belong in secrets')
  }
  if (/[\t\r\n\\]/.test(text)) throw refused('malformed', 'The URL holds control characters')
  const writtenHost = written.replace(/:\d*$/, '').toLowerCase()
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const literal = isIP(host) !== 0
  if (host === '' || host.endsWith('.') || foreignDots.test(written) || written.includes('%')) {
    throw refused('host', 'The host is not written plainly')
  }
  if (isIP(host) === 4 && writtenHost !== host) {
    throw refused('disguised_address', 'The host is an address in disguise')
  }
  return {
    origin: url.origin,
    protocol,
    host,
    port: url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    literal,
  }
}
