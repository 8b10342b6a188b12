import { compactVerify, importJWK, type JWK } from 'jose'
import { decode } from '../encoding.ts'
import { type JsonObject, strictObject } from '../strict-json.ts'
import { type Refused, refuse } from '../types.ts'

export const algorithms = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type Algorithm = (typeof algorithms)[number]

export interface Jws {
  readonly ok: true
  readonly header: JsonObject
  readonly payload: Uint8Array
  /** What was signed. */
  readonly input: string
  /** Place of the key that verified it. */
  readonly keyIndex: number
}

const MAX_TOKEN = 16_384
const MAX_HEADER = 4_096

const curves: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
}
const types: Readonly<Record<string, string>> = {
  HS: 'oct',
  RS: 'RSA',
  PS: 'RSA',
  ES: 'EC',
  Ed: 'OKP',
}

const isAlgorithm = (name: unknown): name is Algorithm =>
  typeof name === 'string' && (algorithms as readonly string[]).includes(name)

/** Whether a key may verify an algorithm: its type, curve, use, operations and, at least, its declared strength. */
const suits = (key: JWK, algorithm: Algorithm): boolean => {
  if (key.kty !== types[algorithm.slice(0, 2)]) return false
  if (curves[algorithm] !== undefined && key.crv !== curves[algorithm]) return false
  if (key.use !== undefined && key.use !== 'sig') return false
  if (Array.isArray(key.key_ops) && !key.key_ops.includes('verify')) return false
  if (!isAlgorithm(key.alg)) return true
  // A key of one family never verifies another, nor a weaker hash than it declares.
  return key.alg.slice(0, 2) === algorithm.slice(0, 2) && algorithm.slice(2) >= key.alg.slice(2)
}

const verifies = async (token: string, key: JWK, algorithm: Algorithm): Promise<boolean> => {
  try {
    const { kty, n, e, x, y, crv, k } = key
    const bare = { kty, n, e, x, y, crv, k }
    const present = Object.fromEntries(
      Object.entries(bare).filter(([, value]) => value !== undefined),
    )
    await compactVerify(token, await importJWK(present as JWK, algorithm), {
      algorithms: [algorithm],
    })
    return true
  } catch {
    return false
  }
}

/** Header and signing input of a compact JWS, checked for form alone. */
export const readJws = (
  token: string,
): { header: JsonObject; payload: Uint8Array; input: string; kid?: string } | Refused => {
  if (token.length > MAX_TOKEN) return refuse('malformed', 'token length')
  const parts = token.split('.')
  const [head = '', body = '', signature = ''] = parts
  if (parts.length !== 3 || head.length > MAX_HEADER) return refuse('malformed', 'token form')
  const headBytes = decode(head, 'base64url')
  const payload = body === '' ? new Uint8Array() : decode(body, 'base64url')
  if (!headBytes || !payload || !decode(signature, 'base64url'))
    return refuse('malformed', 'token encoding')
  const header = strictObject(headBytes)
  if (!header) return refuse('malformed', 'token header')
  // We understand no extension, so none may be critical; and an unencoded payload is one.
  if ('crit' in header || 'b64' in header) return refuse('malformed', 'token header')
  const { kid } = header
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256))
    return refuse('malformed', 'token header')
  return { header, payload, input: `${head}.${body}`, ...(kid !== undefined && { kid }) }
}

/**
 * Verifies a compact JWS with keys of ours alone: nothing in its header names a key (`jwk`, `jku`, `x5u`, `x5c`
 * are not looked at), the algorithm has to be allowed and has to suit the key.
 */
export const verifyJws = async (
  token: string,
  keys: readonly JWK[],
  allowed: readonly Algorithm[],
): Promise<Jws | Refused> => {
  const read = readJws(token)
  if ('ok' in read) return read
  const { alg } = read.header
  if (!isAlgorithm(alg) || !allowed.includes(alg)) return refuse('mismatch', 'token algorithm')
  for (const [keyIndex, key] of keys.entries()) {
    if (read.kid !== undefined && key.kid !== undefined && key.kid !== read.kid) continue
    if (!suits(key, alg) || !(await verifies(token, key, alg))) continue
    return { ok: true, header: read.header, payload: read.payload, input: read.input, keyIndex }
  }
  return refuse('mismatch', 'token signature')
}
