import { constants, createHmac, createSecretKey, type KeyObject, sign, verify } from 'node:crypto'
import { equalBytes } from '../compare.ts'
import { decode } from '../encoding.ts'
import { type KeyKind, privateKey, publicKeys } from '../keys.ts'

/** Algorithms of RFC 9421 by what kind of key they take; the first of a kind is its default. */
const ofKind: Readonly<Record<KeyKind | 'secret', readonly string[]>> = {
  secret: ['hmac-sha256'],
  ed25519: ['ed25519'],
  p256: ['ecdsa-p256-sha256'],
  rsa: ['rsa-pss-sha512', 'rsa-v1_5-sha256'],
}

export interface SigningKey {
  readonly key: KeyObject
  readonly kind: KeyKind | 'secret'
}

const isAsymmetric = (secret: string): boolean => /^\s*(?:-----BEGIN|\{)/.test(secret)

const kindsInTurn = ['ed25519', 'p256', 'rsa'] as const

const inTurn = <T>(read: (kind: KeyKind) => T): { value: T; kind: KeyKind } => {
  let last: unknown
  for (const kind of kindsInTurn) {
    try {
      return { value: read(kind), kind }
    } catch (error) {
      last = error
    }
  }
  throw last
}

/**
 * The keys that a secret stands for. Shared secrets are written as text by some and as base64 by others (RFC 9421's
 * own example is), so base64 of 32 bytes or more counts as both.
 */
export const verifyingKeys = (secret: string, index: number): readonly SigningKey[] => {
  if (isAsymmetric(secret)) {
    const { value, kind } = inTurn((each) => publicKeys(secret, each, index))
    return value.map((key) => ({ key, kind }))
  }
  const decoded = decode(secret.trim(), 'base64')
  return [...(decoded && decoded.length >= 32 ? [decoded] : []), Buffer.from(secret, 'utf8')].map(
    (bytes) => ({ key: createSecretKey(bytes), kind: 'secret' as const }),
  )
}

export const signingKey = (secret: string): SigningKey => {
  if (!isAsymmetric(secret)) {
    const [first] = verifyingKeys(secret, 0)
    return first ?? { key: createSecretKey(Buffer.from(secret)), kind: 'secret' }
  }
  const { value, kind } = inTurn((each) => privateKey(secret, each))
  return { key: value, kind }
}

/** The algorithm of a key: what the message says, if the key can do it. */
export const algorithmOf = ({ kind }: SigningKey, said: unknown): string | undefined =>
  said === undefined ? ofKind[kind][0] : ofKind[kind].find((name) => name === said)

const pss = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
} as const

export const holds = (
  algorithm: string,
  { key }: SigningKey,
  data: Uint8Array,
  signature: Uint8Array,
): boolean => {
  try {
    switch (algorithm) {
      case 'hmac-sha256':
        return equalBytes(createHmac('sha256', key).update(data).digest(), signature)
      case 'ed25519':
        return verify(null, data, key, signature)
      case 'ecdsa-p256-sha256':
        return verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
      case 'rsa-pss-sha512':
        return verify('sha512', data, { key, ...pss }, signature)
      case 'rsa-v1_5-sha256':
        return verify('sha256', data, key, signature)
      default:
        return false
    }
  } catch {
    return false
  }
}

export const signatureOf = (
  algorithm: string,
  { key }: SigningKey,
  data: Uint8Array,
): Uint8Array => {
  if (algorithm === 'hmac-sha256') return createHmac('sha256', key).update(data).digest()
  if (algorithm === 'ed25519') return sign(null, data, key)
  if (algorithm === 'ecdsa-p256-sha256')
    return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
  return sign('sha512', data, { key, ...pss })
}
