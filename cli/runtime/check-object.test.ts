import { describe, expect, it } from 'vitest'
import { isZenhookError } from '../../core/errors/index.ts'
import { checkConfig } from '../../core/registry/config/index.ts'
import type { ObjectKind } from '../../core/registry/types.ts'
import { components } from '../components.ts'
import { checkObject } from './check-object.ts'

const file = `tenants:
  acme:
    sources:
      github:
        provider: github
        secrets: [env:GITHUB_SECRET, file:/run/secrets/github-old]
        dedupe: { window: 36h, key: delivery.id }
        rateLimit: { perSecond: 200, burst: 400 }
        maxBody: 100KiB
        contentEncoding: sent
        successStatus: 200
        ordering: repository.full_name
      own:
        verify: { scheme: hmac, header: x-signature }
        secrets: ["plain:a secret of this test"]
        dedupe: { window: 0s }
    destinations:
      oncall:
        connector: slack
        config: { channel: "#oncall" }
        secrets: { token: env:SLACK_TOKEN }
        rateLimit: { perSecond: 1, concurrent: 4 }
      hook:
        connector: webhook
        config: { url: "https://example.com" }
        retry: { schedule: [250ms, 30s, 999999999m] }
        disabled: true
      box: { connector: bin, retry: { attempts: 1, schedule: [] } }
    routes:
      - { name: first, when: "true", to: [oncall, hook], transform: "data", stop: true }
      - { name: rest, default: true, to: [oncall] }
`
const { objects, faults } = checkConfig(file, 'test', components)

const put = (kind: ObjectKind, spec: object, name = 'x') =>
  checkObject({ kind, tenant: 'acme', name }, spec, objects)

/** What is said of an object, by its place. */
const told = (kind: ObjectKind, spec: object): Readonly<Record<string, string>> => {
  try {
    put(kind, spec)
    return {}
  } catch (error) {
    if (!isZenhookError(error)) throw error
    expect(error.code).toBe('ZENHOOK_API_INVALID')
    const errors = error.details.errors as { pointer: string; detail: string }[]
    return Object.fromEntries(errors.map(({ pointer, detail }) => [pointer, detail]))
  }
}

const source = {
  ...{ tenant: 'acme', name: 'x', provider: 'github', secrets: ['env:A'] },
  ...{ dedupe: {}, maxBody: 1_024, replay: 'accept' },
}
const destination = {
  ...{ tenant: 'acme', name: 'x', connector: 'bin', config: {}, secrets: {} },
  retry: { attempts: 2, delaysMs: [5_000] },
  ...{ ordered: false, allowPrivate: false, disabled: false },
}
const route = {
  ...{ tenant: 'acme', name: 'x', index: 0, when: 'true', to: ['hook'] },
  ...{ stop: false, default: false },
}

describe('an object as it is published', () => {
  it('comes to itself', () => {
    expect(faults).toEqual([])
    expect(objects).toHaveLength(7)
    for (const object of objects) {
      expect(put(object.kind, object.spec, object.spec.name)).toEqual(object)
    }
  })

  it('may say its place, and keeps it or comes last where it says none', () => {
    const { index: _, ...unplaced } = route
    expect(put('route', { ...route, index: 7 }).spec).toMatchObject({ index: 7 })
    expect(put('route', unplaced).spec).toMatchObject({ index: 2 })
    expect(put('route', unplaced, 'first').spec).toMatchObject({ index: 0 })
  })

  it.each<[ObjectKind, object, string, RegExp]>([
    ['source', { ...source, secrets: [] }, '#/', /needs a secret/],
    ['source', { ...source, secrets: ['plain:short'] }, '#/secrets', /shorter than 8 bytes/],
    ['source', { ...source, ordering: 'a..b' }, '#/ordering', /./],
    ['source', { ...source, dedupe: { key: 'a..b' } }, '#/dedupe/key', /./],
    ['source', { ...source, dedupe: { windowMs: -1 } }, '#/dedupe/windowMs', /must be millisec/],
    ['source', { ...source, dedupe: { windowMs: '24h' } }, '#/dedupe/windowMs', /whole numbers/],
    ['source', { ...source, dedupe: { windowMs: 1, window: '1s' } }, '#/dedupe/windowMs', /known/],
    ['source', { ...source, maxBody: 1e12 }, '#/maxBody', /has to fit/],
    ['source', { ...source, maxBody: 1.5 }, '#/maxBody', /must be a size/],
    ['source', { ...source, maxBody: 0 }, '#/maxBody', /from 1B/],
    ['source', { ...source, rateLimit: { perSecond: 1e9 } }, '#/rateLimit/perSecond', /./],
    ['source', { ...source, extra: 'x' }, '#/extra', /not known here/],
    ['source', { ...source, index: 1 }, '#/index', /no place/],
    ['destination', { ...destination, extra: 'x' }, '#/extra', /not known here/],
    ['destination', { ...destination, secrets: { sign: 'env:A' } }, '#/secrets/sign', /not known/],
    [
      'destination',
      { ...destination, retry: { attempts: 1e6, delaysMs: [] } },
      '#/retry/attempts',
      /./,
    ],
    [
      'destination',
      { ...destination, retry: { attempts: 2, delaysMs: [1e15 + 1] } },
      '#/retry/delaysMs',
      /'delaysMs\[0\]' must be a duration/,
    ],
    [
      'destination',
      { ...destination, retry: { attempts: 2, delaysMs: Array.from({ length: 101 }, () => 1) } },
      '#/retry/delaysMs',
      /./,
    ],
    [
      'destination',
      { ...destination, rateLimit: { perSecond: 1e9 } },
      '#/rateLimit/perSecond',
      /./,
    ],
    ['route', { ...route, to: [] }, '#/to', /./],
    ['route', { ...route, to: ['nobody'] }, '#/to', /no destination 'nobody'/],
    ['route', { ...route, index: -1 }, '#/index', /whole number/],
    ['route', { ...route, index: 1e12 }, '#/index', /whole number/],
    ['route', { ...route, extra: 'x' }, '#/extra', /not known here/],
  ])('is held against the rules of a file: %s %j', (kind, spec, pointer, said) => {
    const errors = told(kind, spec)
    expect(Object.keys(errors)).toEqual([pointer])
    expect(errors[pointer]).toMatch(said)
  })
})
