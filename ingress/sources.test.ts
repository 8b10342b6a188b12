import { createHmac } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { Source } from '../core/registry/types.ts'
import { createVerifiers } from './sources.ts'
import { genuineHeaders, makeSource, verifierOf } from './testing/fakes.ts'

const body = Buffer.from('{}')
const signedWith = (key: string) => ({
  method: 'POST',
  url: 'http://x/in/acme/github',
  path: '/in/acme/github',
  query: '',
  headers: Object.entries({
    ...genuineHeaders(body),
    'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  }),
  body,
})

const setup = (refs: readonly string[], values: Record<string, string>) => {
  const source = makeSource({ secrets: refs })
  const clock = { at: 0 }
  const counts = { resolved: 0, made: 0 }
  const verifierFor = createVerifiers({
    secrets: {
      resolve: async (_tenant, ref) => {
        counts.resolved += 1
        const value = values[ref]
        if (value === undefined) throw new Error(`no ${ref}`)
        return value
      },
    },
    create: (each: Source, secrets) => {
      counts.made += 1
      return verifierOf(each, secrets)
    },
    now: () => clock.at,
  })
  const verify = async (key: string) =>
    (await verifierFor(source)).verify(signedWith(key), clock.at)
  return { source, clock, counts, verifierFor, verify, values }
}

describe('createVerifiers', () => {
  it('F31, F52: looks at secrets again in time where the time of day steps back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    try {
      let resolved = 0
      const resolve = async (): Promise<string> => {
        resolved += 1
        return 'secret-one'
      }
      const create = (each: Source, secrets: readonly string[]) => verifierOf(each, secrets)
      const verifierFor = createVerifiers({ secrets: { resolve }, create, freshMs: 30 })
      const source = makeSource({ secrets: ['a'] })
      await verifierFor(source)
      vi.setSystemTime(Date.now() - 600_000)
      await new Promise((done) => setTimeout(done, 60))
      await verifierFor(source)
      expect(resolved).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  it('makes one verifier for many requests, and resolves its secrets once in a while', async () => {
    const { counts, verifierFor, source, clock } = setup(['a'], { a: 'secret-one' })
    await Promise.all(Array.from({ length: 20 }, () => verifierFor(source)))
    expect(counts).toEqual({ resolved: 1, made: 1 })
    clock.at = 4_500
    await verifierFor(source)
    expect(counts).toEqual({ resolved: 2, made: 1 })
    await verifierFor(makeSource({ secrets: ['a'] }))
    expect(counts.made).toBe(2)
  })

  it('F52: follows a rotation within five seconds: both, then the new one alone', async () => {
    const { verify, values, clock } = setup(['new', 'old'], { old: 'secret-old' })
    expect(await verify('secret-old')).toMatchObject({ ok: true, secretIndex: 1 })
    expect(await verify('secret-new')).toMatchObject({ ok: false })
    values.new = 'secret-new'
    clock.at = 5_000
    expect(await verify('secret-new')).toMatchObject({ ok: true, secretIndex: 0 })
    expect(await verify('secret-old')).toMatchObject({ ok: true, secretIndex: 1 })
    Reflect.deleteProperty(values, 'old')
    clock.at = 10_000
    expect(await verify('secret-new')).toMatchObject({ ok: true, secretIndex: 0 })
    expect(await verify('secret-old')).toMatchObject({ ok: false })
  })

  it('F52: goes on with the others while one secret cannot be used', async () => {
    const { verify, values, clock } = setup(['new', 'old'], { new: 'x', old: 'secret-old' })
    expect(await verify('secret-old')).toMatchObject({ ok: true, secretIndex: 1 })
    values.new = 'secret-new'
    clock.at = 5_000
    expect(await verify('secret-new')).toMatchObject({ ok: true, secretIndex: 0 })
  })

  it('has nothing to say without a secret, or with one that cannot work', async () => {
    const none = setup(['a'], {})
    await expect(none.verifierFor(none.source)).rejects.toMatchObject({
      code: 'ZENHOOK_INGRESS_SECRET_UNAVAILABLE',
      retriable: true,
    })
    const short = setup(['a'], { a: '' })
    await expect(short.verifierFor(short.source)).rejects.toMatchObject({
      code: 'ZENHOOK_INGRESS_SECRET_UNAVAILABLE',
    })
  })
})
