import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  X509Certificate,
} from 'node:crypto'
import { decode } from './encoding.ts'
import { wrongForm } from './secrets.ts'
import type { SecretPair } from './types.ts'

export type KeyKind = 'ed25519' | 'p256' | 'rsa'

const names: Readonly<Record<KeyKind, string>> = {
  ed25519: 'an Ed25519 key (PEM, hex, base64 or JWK)',
  p256: 'a P-256 key (PEM, base64 or JWK)',
  rsa: 'an RSA key of at least 2048 bits (PEM, base64 or JWK)',
}

const isKind = (key: KeyObject, kind: KeyKind): boolean => {
  const details = key.asymmetricKeyDetails
  if (kind === 'p256') return key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1'
  if (kind === 'rsa')
    return key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= 2048
  return key.asymmetricKeyType === 'ed25519'
}

const rawEd25519 = (bytes: Uint8Array): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes).toString('base64url') },
    format: 'jwk',
  })

const seedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A private key from its seed of 32 bytes (or seed and public key, 64 bytes). */
const seedEd25519 = (bytes: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([seedPrefix, bytes.subarray(0, 32)]),
    format: 'der',
    type: 'pkcs8',
  })

/** Only what says that it is a private key is one: a bare number could be a public key as well. */
const seedOf = (text: string): Uint8Array => {
  const bytes = text.startsWith('whsk_') ? decode(text.slice(5), 'base64') : undefined
  return bytes && (bytes.length === 32 || bytes.length === 64) ? bytes : Buffer.alloc(0)
}

const jwksOf = (text: string): readonly KeyObject[] => {
  const value: unknown = JSON.parse(text)
  const keys =
    typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)
      ? value.keys
      : [value]
  return keys.slice(0, 32).map((key) => createPublicKey({ key: key as JsonWebKey, format: 'jwk' }))
}

const anyPublic = (text: string, kind: KeyKind): readonly KeyObject[] => {
  if (text.startsWith('{')) return jwksOf(text)
  if (text.includes('-----BEGIN CERTIFICATE-----')) return [new X509Certificate(text).publicKey]
  if (text.startsWith('-----BEGIN')) return [createPublicKey(text)]
  if (text.startsWith('whsk_')) return [createPublicKey(seedEd25519(seedOf(text)))]
  const bare = text.startsWith('whpk_') ? text.slice(5) : text
  const bytes =
    (kind === 'ed25519' && bare.length === 64 ? decode(bare, 'hex') : undefined) ??
    decode(bare.replace(/\s+/g, ''), 'base64') ??
    decode(bare, 'hex') ??
    Buffer.alloc(0)
  if (kind === 'ed25519' && bytes.length === 32) return [rawEd25519(bytes)]
  return [createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' })]
}

/** The public keys of a secret: PEM (a certificate or a private key too), JWK, JWKS, hex, base64 or `whpk_`. */
export const publicKeys = (secret: string, kind: KeyKind, index: number): readonly KeyObject[] => {
  let keys: readonly KeyObject[] = []
  try {
    keys = anyPublic(secret.trim(), kind).filter((key) => isKind(key, kind))
  } catch {
    // The cause would quote the key.
  }
  if (keys.length === 0) throw wrongForm(index, names[kind])
  return keys
}

export const privateKey = (secret: string, kind: KeyKind): KeyObject => {
  try {
    const text = secret.trim()
    const key = text.startsWith('-----BEGIN')
      ? createPrivateKey(text)
      : text.startsWith('{')
        ? createPrivateKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
        : seedEd25519(seedOf(text))
    if (isKind(key, kind)) return key
  } catch {
    // As above.
  }
  throw wrongForm(0, `the private half of ${names[kind]}`)
}

const pem = (key: KeyObject, type: 'pkcs8' | 'spki'): string =>
  key.export({ format: 'pem', type }).toString()

export const generateKeys = (kind: KeyKind): SecretPair => {
  const { publicKey, privateKey: secret } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'p256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
  return { signing: pem(secret, 'pkcs8'), verifying: pem(publicKey, 'spki') }
}
