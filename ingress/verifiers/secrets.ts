import { ZenhookError } from '../../core/errors/index.ts'
import type { SchemeDeps } from './types.ts'

const weak = (index: number): never => {
  throw new ZenhookError('ZENHOOK_VERIFY_SECRET_WEAK', {
    message: `Secret ${index + 1} is empty or too short`,
    details: { index },
  })
}

export const wrongForm = (index: number, wanted: string): ZenhookError =>
  new ZenhookError('ZENHOOK_VERIFY_SECRET_FORM', {
    message: `Secret ${index + 1} is not ${wanted}`,
    details: { index },
  })

export const needsSecret = (secrets: readonly string[]): void => {
  if (secrets.length === 0) throw new ZenhookError('ZENHOOK_VERIFY_SECRET_MISSING')
}

/** Refuses what an attacker would guess: nothing, blanks, and secrets below the least length. */
export const checkStrength = (
  secret: string | Uint8Array,
  index: number,
  deps: SchemeDeps,
): void => {
  const blank = typeof secret === 'string' ? secret.trim() === '' : secret.length === 0
  if (blank || Buffer.byteLength(secret) < deps.minSecretBytes) weak(index)
}

/** Secrets that are used as their text. */
export const textSecrets = (secrets: readonly string[], deps: SchemeDeps): readonly string[] => {
  needsSecret(secrets)
  secrets.forEach((secret, index) => {
    checkStrength(secret, index, deps)
  })
  return secrets
}
