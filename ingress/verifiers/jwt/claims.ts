import { createHash } from 'node:crypto'
import { equalBytes, fingerprint } from '../compare.ts'
import type { JsonObject } from '../strict-json.ts'
import { type Refused, refuse, type View } from '../types.ts'
import type { JwtConfig } from './config.ts'

const refused = (step: string): Refused => refuse('mismatch', `claim ${step}`)

const timeOf = (claims: JsonObject, name: string): number | undefined | Refused => {
  const value = claims[name]
  if (value === undefined) return undefined
  // Beyond the year 9999 no clock means anything, and 1e999 is Infinity.
  if (typeof value !== 'number' || !(value >= 0 && value < 253_402_300_800))
    return refuse('malformed', `claim ${name}`)
  return value * 1_000
}

const times = (claims: JsonObject, config: JwtConfig, now: number): Refused | undefined => {
  const at: Record<string, number | undefined> = {}
  for (const name of ['exp', 'iat', 'nbf']) {
    const value = timeOf(claims, name)
    if (typeof value === 'object') return value
    if (value === undefined && config.required.includes(name))
      return refuse('missing', `claim ${name}`)
    at[name] = value
  }
  const { exp, iat, nbf } = at
  const { leeway, maxLifetime } = config
  if (exp !== undefined && exp <= now - leeway) return refuse('stale', 'claim exp')
  if (exp !== undefined && exp > (iat ?? now) + maxLifetime + leeway)
    return refuse('malformed', 'claim exp is too far away')
  if (iat !== undefined && iat > now + leeway) return refuse('stale', 'claim iat')
  if (iat !== undefined && iat < now - maxLifetime - leeway) return refuse('stale', 'claim iat')
  if (nbf !== undefined && nbf > now + leeway) return refuse('stale', 'claim nbf')
  return undefined
}

const sha256 = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')

const sameText = (left: unknown, right: string): boolean =>
  typeof left === 'string' && equalBytes(fingerprint(left), fingerprint(right))

const encodeRfc3986 = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** The query string hash of Atlassian Connect: method, path below the app's base, and the sorted query. */
export const queryStringHash = (
  method: string,
  path: string,
  query: string,
  basePath: string,
): string => {
  const below = path.startsWith(basePath) ? path.slice(basePath.length) : path
  const canonicalPath = `/${below.replace(/^\/+|\/+$/g, '')}`.replaceAll('&', '%26')
  const parameters = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'jwt') continue
    const key = encodeRfc3986(name)
    parameters.set(key, [...(parameters.get(key) ?? []), encodeRfc3986(value)])
  }
  const canonicalQuery = [...parameters]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, values]) => `${name}=${values.sort().join(',')}`)
    .join('&')
  return sha256(`${method.toUpperCase()}&${canonicalPath}&${canonicalQuery}`)
}

/** What hashes of the request a token has to carry, by claim. */
export const requestHashes = (
  config: JwtConfig,
  { method, url, path, query, body }: View['request'],
): Readonly<Record<string, string>> => ({
  ...(config.queryHash !== undefined && {
    [config.queryHash]: queryStringHash(method, path, query, config.basePath),
  }),
  ...(config.urlHash !== undefined && { [config.urlHash]: sha256(url) }),
  ...(config.bodyHash !== undefined && body.length > 0 && { [config.bodyHash]: sha256(body) }),
})

const hashes = (claims: JsonObject, config: JwtConfig, view: View): Refused | undefined => {
  for (const [name, hash] of Object.entries(requestHashes(config, view.request))) {
    if (claims[name] === undefined) return refuse('missing', `claim ${name}`)
    if (!sameText(claims[name], hash)) return refused(name)
  }
  // A token of a request with a body must not pass for one without.
  if (config.bodyHash !== undefined && view.request.body.length === 0)
    return claims[config.bodyHash] === undefined ? undefined : refused(config.bodyHash)
  return undefined
}

const audienceHolds = (claim: unknown, audience: string): boolean =>
  Array.isArray(claim) ? claim.includes(audience) : claim === audience

export const checkClaims = (
  claims: JsonObject,
  config: JwtConfig,
  view: View,
  now: number,
): Refused | undefined => {
  const late = times(claims, config, now)
  if (late) return late
  for (const name of config.required)
    if (!Object.hasOwn(claims, name) || claims[name] === '')
      return refuse('missing', `claim ${name}`)
  if (config.issuer !== undefined && claims.iss !== config.issuer) return refused('iss')
  if (config.audience !== undefined && !audienceHolds(claims.aud, config.audience))
    return refused('aud')
  for (const [name, value] of Object.entries(config.claims))
    if (!Object.hasOwn(claims, name) || claims[name] !== value) return refused(name)
  return hashes(claims, config, view)
}
