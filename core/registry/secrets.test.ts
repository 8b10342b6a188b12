import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import { destinationObject, sourceObject } from './contract.ts'
import { createPlainSecrets, createSecrets, type Grants } from './secrets.ts'

const failureOf = async (work: Promise<string>): Promise<string> => {
  try {
    return `resolved ${await work}`
  } catch (error) {
    if (!isZenhookError(error)) throw error
    expect(JSON.stringify([error.message, error.fix, error.details])).not.toContain('canary')
    return error.code.replace('ZENHOOK_REGISTRY_SECRET_', '')
  }
}

describe('secrets', () => {
  let folder: string
  let own: string
  let now = 0

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'zenhook-secrets-')))
    own = join(folder, 'secrets')
    await mkdir(join(own, 'acme'), { recursive: true })
    await mkdir(join(own, 'other'))
    await writeFile(join(own, 'acme', 'key'), 'canary-acme\n')
    await writeFile(join(own, 'other', 'key'), 'canary-other')
    await writeFile(join(folder, 'outside'), 'canary-outside')
    now = 1_000
  })
  afterEach(() => rm(folder, { recursive: true }))

  const secrets = (grants: Grants, plain = createPlainSecrets()) =>
    createSecrets({
      env: { GOOD: 'canary-env', EMPTY: '' },
      secretsDir: own,
      grants,
      plain,
      now: () => now,
    })
  const operator: Grants = () => 'any'
  const tenant: Grants = () => ['env:GOOD']

  test('the operator may name anything', async () => {
    const { resolve } = secrets(operator)
    expect(await resolve('acme', 'env:GOOD')).toBe('canary-env')
    expect(await resolve('acme', `file:${join(folder, 'outside')}`)).toBe('canary-outside')
    expect(await resolve('acme', `file:${join(own, 'acme', 'key')}`)).toBe('canary-acme')
  })

  test.each([
    ['env:NOPE'],
    ['env:EMPTY'],
    ['env:__proto__'],
    ['env:toString'],
    ['file:/nowhere/at/all'],
    ['file:/'],
    ['plain:unknown'],
    ['whsec_canary'],
  ])('%s is missing', async (ref) => {
    expect(await failureOf(secrets(operator).resolve('acme', ref))).toBe('MISSING')
  })

  test('a tenant gets what was granted and its own files, nothing else', async () => {
    const { resolve } = secrets(tenant)
    expect(await resolve('acme', 'env:GOOD')).toBe('canary-env')
    expect(await resolve('acme', `file:${join(own, 'acme', 'key')}`)).toBe('canary-acme')
    for (const ref of [
      'env:PATH',
      'env:NOPE',
      `file:${join(folder, 'outside')}`,
      `file:${join(own, 'other', 'key')}`,
      `file:${own}/acme/../other/key`,
      `file:${own}/acme/nothing`,
      `file:${own}/acme`,
      `file:${own}/nobody/key`,
      'file:/etc/passwd',
    ]) {
      expect(await failureOf(resolve('acme', ref)), ref).toBe('FORBIDDEN')
    }
    expect(await failureOf(resolve('..', `file:${join(folder, 'outside')}`))).toBe('FORBIDDEN')
  })

  test('a link out of the folder is no way out, checked at each resolution', async () => {
    const { resolve } = secrets(tenant)
    const ref = `file:${join(own, 'acme', 'link')}`
    await symlink(join(own, 'acme', 'key'), join(own, 'acme', 'link'))
    expect(await resolve('acme', ref)).toBe('canary-acme')
    await rm(join(own, 'acme', 'link'))
    await symlink(join(folder, 'outside'), join(own, 'acme', 'link'))
    expect(await failureOf(resolve('acme', ref)), 'even while the value is fresh').toBe('FORBIDDEN')
    await rename(join(own, 'acme'), join(own, 'moved'))
    await symlink(join(own, 'other'), join(own, 'acme'))
    expect(await failureOf(resolve('acme', `file:${join(own, 'acme', 'key')}`))).toBe('FORBIDDEN')
  })

  test('a changed file is seen within 5 s, and a removed one is gone', async () => {
    const { resolve } = secrets(operator)
    const ref = `file:${join(own, 'acme', 'key')}`
    expect(await resolve('acme', ref)).toBe('canary-acme')
    await writeFile(join(own, 'acme', 'key'), 'canary-new\r\n')
    now += 4_999
    expect(await resolve('acme', ref)).toBe('canary-new')
    await rm(join(own, 'acme', 'key'))
    now += 4_999
    expect(await failureOf(resolve('acme', ref))).toBe('MISSING')
  })

  test('only one newline is trimmed', async () => {
    await writeFile(join(own, 'acme', 'key'), ' canary \n\n')
    expect(await secrets(operator).resolve('acme', `file:${join(own, 'acme', 'key')}`)).toBe(
      ' canary \n',
    )
  })

  test('plain values stay in memory, under references of their tenant', async () => {
    const plain = createPlainSecrets()
    const objects = [
      sourceObject('a', { secrets: ['plain:canary-1', 'env:GOOD'] }),
      sourceObject('b', { tenant: 'other', secrets: ['plain:canary-1'] }),
      destinationObject('d', { secrets: { one: 'plain:canary-1', many: ['plain:canary-2'] } }),
    ]
    const interned = plain.intern(objects)
    expect(JSON.stringify(interned)).not.toContain('canary')
    expect(plain.intern(objects), 'the same content stays the same').toEqual(interned)
    expect(plain.intern(interned)).toEqual(interned)
    const [a, b, d] = interned
    if (a?.kind !== 'source' || b?.kind !== 'source' || d?.kind !== 'destination') {
      throw new Error('the kinds changed')
    }
    const [ref = ''] = a.spec.secrets
    const { resolve } = secrets(tenant, plain)
    expect(await resolve('acme', ref)).toBe('canary-1')
    expect(d.spec.secrets.one).toBe(ref)
    expect(await failureOf(resolve('other', ref))).toBe('MISSING')
    expect(await resolve('other', b.spec.secrets[0] ?? '')).toBe('canary-1')
  })

  test('a reference of another process is no value', async () => {
    const source = sourceObject('a', { secrets: ['plain:canary-1'] })
    const theirs = createPlainSecrets().intern([source])
    const refused = expect.objectContaining({
      code: 'ZENHOOK_REGISTRY_SECRET_MISSING',
      fix: expect.stringMatching(/^Say the value again/),
    })
    expect(() => createPlainSecrets().intern(theirs)).toThrow(refused)
    const [{ spec } = source] = theirs
    const [ref = ''] = 'secrets' in spec && Array.isArray(spec.secrets) ? spec.secrets : []
    const destination = destinationObject('d', { secrets: { many: ['env:GOOD', ref] } })
    expect(() => createPlainSecrets().intern([destination])).toThrow(refused)
    // One that is published by an older version has no form of its own.
    const older = [sourceObject('a', { secrets: ['plain:0123456789abcdef01234567'] })]
    expect(() => createPlainSecrets().intern(older, older)).toThrow(refused)
    expect(createPlainSecrets().intern(older)).not.toEqual(older)
  })
})
