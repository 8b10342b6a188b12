import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { systemCodeOf, ZenhookError } from '../errors/index.ts'
import { namePattern } from './objects.ts'
import type { AnyObject, Secrets } from './port.ts'
import type { SecretRef } from './types.ts'

/**
 * What a tenant's references may name beside files below `SECRETS_DIR/<tenant>`: `any` where the operator
 * wrote the objects (a file), else whole references (`env:ACME_GITHUB`, `file:/run/secrets/acme`).
 */
export type Grants = (tenant: string) => 'any' | readonly SecretRef[]

/** Values that stood in the configuration itself: memory of this process, published as references. */
export interface PlainSecrets {
  /**
   * The same objects with each `plain:` value replaced by a reference; the same value, the same reference.
   * Throws ZENHOOK_REGISTRY_SECRET_MISSING for a reference of another process, known by its beginning or because
   * it is published: taken for a value, it would be a secret that everybody can read.
   */
  intern(objects: readonly AnyObject[], published?: readonly AnyObject[]): readonly AnyObject[]
  get(tenant: string, ref: SecretRef): string | undefined
}

export interface SecretsOptions {
  env: Readonly<Record<string, string | undefined>>
  /** `SECRETS_DIR`. */
  secretsDir?: string
  grants: Grants
  plain?: PlainSecrets
  now?: () => number
}

const plainPrefix = 'plain:'
/** Values do not begin like this; older versions published references without `ref:`. */
const plainRefPrefix = 'plain:ref:'

const secretsOf = ({ kind, spec }: AnyObject): readonly SecretRef[] =>
  kind === 'route' ? [] : Object.values<SecretRef | readonly SecretRef[]>(spec.secrets).flat()

const lost = (tenant: string): ZenhookError =>
  new ZenhookError('ZENHOOK_REGISTRY_SECRET_MISSING', {
    message: `A plain: reference of tenant ${tenant} is not of this process: its value is gone`,
    fix: 'Say the value again (plain:…), or name where it is kept with env: or file:',
    details: { tenant },
  })

export const createPlainSecrets = (): PlainSecrets => {
  const values = new Map<string, string>()
  const refs = new Map<string, SecretRef>()
  // By tenant: a reference that another tenant has seen somewhere resolves nothing for it.
  const keyOf = (tenant: string, text: string): string => `${tenant}/${text}`

  const internOne = (
    tenant: string,
    ref: SecretRef,
    published: readonly AnyObject[],
  ): SecretRef => {
    if (!ref.startsWith(plainPrefix) || values.has(keyOf(tenant, ref))) return ref
    if (
      ref.startsWith(plainRefPrefix) ||
      published.some((object) => secretsOf(object).includes(ref))
    ) {
      throw lost(tenant)
    }
    const value = ref.slice(plainPrefix.length)
    const known = refs.get(keyOf(tenant, value)) ?? plainRefPrefix + randomBytes(12).toString('hex')
    refs.set(keyOf(tenant, value), known)
    values.set(keyOf(tenant, known), value)
    return known
  }

  const internObject = (object: AnyObject, published: readonly AnyObject[]): AnyObject => {
    if (object.kind === 'route') return object
    const { tenant } = object.spec
    const one = (ref: SecretRef): SecretRef => internOne(tenant, ref, published)
    if (object.kind === 'source') {
      const secrets = object.spec.secrets.map(one)
      return { kind: 'source', spec: { ...object.spec, secrets } }
    }
    const secrets = Object.entries(object.spec.secrets).map(([role, ref]) => [
      role,
      typeof ref === 'string' ? one(ref) : ref.map(one),
    ])
    return { kind: 'destination', spec: { ...object.spec, secrets: Object.fromEntries(secrets) } }
  }

  return {
    intern: (objects, published = []) => objects.map((each) => internObject(each, published)),
    get: (tenant, ref) => values.get(keyOf(tenant, ref)),
  }
}

/** A file's value is read again when it is older than this: a rotation is seen well within 5 s. */
const freshMs = 2_000
const maxBytes = 64 * 1024
const maxCached = 10_000

// What is no reference may be the secret itself.
const shown = (ref: SecretRef): string =>
  /^(?:env|file):/.test(ref) ? ref.slice(0, 200) : '(not shown)'

const missing = (tenant: string, ref: SecretRef, why: string): ZenhookError =>
  new ZenhookError('ZENHOOK_REGISTRY_SECRET_MISSING', {
    message: `Secret ${shown(ref)} of tenant ${tenant} ${why}`,
    details: { tenant },
  })

// One message whether the target exists or not: a tenant learns nothing about files of others.
const forbidden = (tenant: string, ref: SecretRef): ZenhookError =>
  new ZenhookError('ZENHOOK_REGISTRY_SECRET_FORBIDDEN', {
    message: `Secret ${shown(ref)} is outside what tenant ${tenant} was granted`,
    details: { tenant },
  })

/** Resolves references within grants, checked each time; no error names a value. */
export const createSecrets = (options: SecretsOptions): Secrets => {
  const { env, secretsDir, grants, plain, now = () => performance.now() } = options
  const files = new Map<string, { value: string; readAt: number }>()

  /** The file that a tenant may read under this path, or `undefined`: by real path, links followed. */
  const ownFile = async (tenant: string, path: string): Promise<string | undefined> => {
    // A name that is no label could be `..`.
    if (secretsDir === undefined || !namePattern.test(tenant)) return undefined
    try {
      const root = await realpath(join(secretsDir, tenant))
      const own = await realpath(secretsDir)
      const real = await realpath(path)
      return root === join(own, tenant) && real.startsWith(root + sep) ? real : undefined
    } catch {
      return undefined
    }
  }

  const readSecret = async (path: string, flags: number): Promise<string> => {
    // Not blocking: a named pipe must not hold the resolver for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) throw new Error('not a file')
      if (stat.size > maxBytes) throw new Error('too large')
      return (await handle.readFile('utf8')).replace(/\r?\n$/, '')
    } finally {
      await handle.close()
    }
  }

  const fromFile = async (tenant: string, ref: SecretRef, free: boolean): Promise<string> => {
    const path = ref.slice('file:'.length)
    const real = free ? path : await ownFile(tenant, path)
    if (real === undefined) throw forbidden(tenant, ref)
    const known = files.get(real)
    if (known !== undefined && now() - known.readAt < freshMs) return known.value
    files.delete(real)
    let value: string
    try {
      value = await readSecret(real, free ? 0 : constants.O_NOFOLLOW)
    } catch (error) {
      throw missing(tenant, ref, `cannot be read (${systemCodeOf(error) || 'unreadable'})`)
    }
    // A parent that became a link between the check and the reading.
    if (!free && (await ownFile(tenant, path)) !== real) throw forbidden(tenant, ref)
    if (value === '') throw missing(tenant, ref, 'is an empty file')
    if (files.size >= maxCached) files.clear()
    files.set(real, { value, readAt: now() })
    return value
  }

  const fromEnv = (tenant: string, ref: SecretRef): string => {
    const name = ref.slice('env:'.length)
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    if (value === undefined || value === '') throw missing(tenant, ref, 'is not set')
    return value
  }

  return {
    async resolve(tenant, ref) {
      const granted = grants(tenant)
      const free = granted === 'any' || granted.includes(ref)
      if (ref.startsWith('file:/')) return fromFile(tenant, ref, free)
      if (ref.startsWith('env:')) {
        if (!free) throw forbidden(tenant, ref)
        return fromEnv(tenant, ref)
      }
      const value = plain?.get(tenant, ref)
      if (value === undefined) throw missing(tenant, ref, 'is not known to this process')
      return value
    },
  }
}
