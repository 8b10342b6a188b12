import { createHmac, createPrivateKey, createSecretKey, type KeyObject, sign } from 'node:crypto'
import { ZenhookError } from '../core/errors/index.ts'

/** A key of Standard Webhooks: `v1` is HMAC-SHA256, `v1a` is ed25519. */
export interface SigningKey {
  version: 'v1' | 'v1a'
  key: KeyObject
}

const invalid = (why: string): ZenhookError =>
  new ZenhookError('ZENHOOK_CONNECTOR_SECRET_INVALID', {
    message: `A signing secret cannot be used: ${why}`,
  })

const decode = (text: string): Buffer => {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) throw invalid('it is not base64 after its prefix')
  return Buffer.from(text, 'base64')
}

// PKCS #8 of an ed25519 seed, which follows this prefix.
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** `whsec_` and base64 of 24 to 64 bytes, or `whsk_` and base64 of an ed25519 private key. */
export const parseSigningKey = (secret: string): SigningKey => {
  if (secret.startsWith('whsec_')) {
    const bytes = decode(secret.slice('whsec_'.length))
    if (bytes.length < 24 || bytes.length > 64) throw invalid('whsec_ needs 24 to 64 bytes')
    return { version: 'v1', key: createSecretKey(bytes) }
  }
  if (secret.startsWith('whsk_')) {
    const bytes = decode(secret.slice('whsk_'.length))
    // The seed alone, or followed by its public key.
    if (bytes.length !== 32 && bytes.length !== 64) throw invalid('whsk_ needs 32 or 64 bytes')
    const der = Buffer.concat([pkcs8, bytes.subarray(0, 32)])
    return { version: 'v1a', key: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) }
  }
  throw invalid('it starts with neither whsec_ nor whsk_')
}

/** Every live key signs, so that a receiver may hold the old or the new one during a rotation. */
export const signatureOf = (
  keys: readonly SigningKey[],
  id: string,
  timestamp: number,
  body: Uint8Array,
): string => {
  const prefix = `${id}.${timestamp}.`
  return keys
    .map(({ version, key }) =>
      version === 'v1'
        ? `v1,${createHmac('sha256', key).update(prefix).update(body).digest('base64')}`
        : `v1a,${sign(null, Buffer.concat([Buffer.from(prefix), body]), key).toString('base64')}`,
    )
    .join(' ')
}

/** Keys by their secrets, parsed once: secrets change rarely, attempts are many. */
export const createKeyring = (): ((secrets: readonly string[]) => readonly SigningKey[]) => {
  let parsed = new Map<string, SigningKey>()
  return (secrets) => {
    if (secrets.length !== parsed.size || secrets.some((secret) => !parsed.has(secret))) {
      parsed = new Map(secrets.map((secret) => [secret, parseSigningKey(secret)]))
    }
    return [...parsed.values()]
  }
}
