import { createHash, createHmac, hash } from 'node:crypto'
import type { Part } from './template.ts'

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512'

// A digest as text and back costs half of what `digest()` does: it allocates no buffer of its own.
const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex')

export const hmacOf = (name: HashName, key: Uint8Array, parts: readonly Part[]): Uint8Array => {
  const mac = createHmac(name, key)
  for (const part of parts) mac.update(part)
  return bytesOf(mac.digest('hex'))
}

export const hashOf = (name: HashName, parts: readonly Part[]): Uint8Array => {
  const digest = createHash(name)
  for (const part of parts) digest.update(part)
  return bytesOf(digest.digest('hex'))
}

const SMALL = 16_384

const sizeOf = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + part.length, 0)

/** SHA-256 in hex; small messages in one call, large ones without a copy. */
export const sha256Hex = (parts: readonly Part[]): string => {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return hash('sha256', only, 'hex')
  if (sizeOf(parts) <= SMALL)
    return hash(
      'sha256',
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
      'hex',
    )
  return Buffer.from(hashOf('sha256', parts)).toString('hex')
}
