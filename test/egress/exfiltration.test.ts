import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { components } from '../../cli/components.ts'
import { outboundOf } from '../../connectors/outbound.ts'
import { isZenhookError } from '../../core/errors/index.ts'
import { makeEvent } from '../../core/event/index.ts'
import { compileCondition } from '../../core/expression/condition.ts'
import { compileTransform } from '../../core/expression/transform.ts'
import { checkConfig } from '../../core/registry/config/index.ts'

const canary = 'canary-7f3a91-secret'
const otherTenant = 'canary-7f3a91-tenant'

// Everything that a rule could hope to find around it.
process.env.CANARY_SECRET = canary
Reflect.set(globalThis, 'canary', canary)
const hidden = makeEvent({
  id: '0199d3a2-0000-7000-8000-00000000000b',
  tenant: 'other',
  source: 'github',
  provider: 'github',
  type: 'push',
  key: otherTenant,
  dedupeKey: 'd2',
  dedupeWindowMs: 1,
  receivedAt: 2,
  contentType: 'application/json',
  headers: { 'x-github-event': otherTenant },
  raw: new TextEncoder().encode(JSON.stringify({ note: otherTenant })),
  facts: { title: otherTenant },
  verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
})

const event = makeEvent({
  ...hidden,
  id: '0199d3a2-0000-7000-8000-00000000000a',
  tenant: 'acme',
  key: 'k',
  headers: { 'x-github-event': 'push' },
  raw: new TextEncoder().encode('{"a":{"b":[1,2,3]},"url":"http://evil.test/","n":7}'),
  facts: { title: 't', score: { urgency: 0.5 } },
})

const names = fc.constantFrom(
  ...['data', 'headers', 'facts', 'tenant', 'secrets', 'env', 'process', 'globalThis', 'canary'],
  ...['constructor', '__proto__', 'prototype', 'destination', 'destinations', 'config', 'require'],
  ...['this', 'global', 'module', 'key', 'raw', 'verification', 'toString', 'valueOf', 'return'],
)
const functions = fc.constantFrom(
  ...['string', 'lookup', 'keys', 'each', 'spread', 'merge', 'map', 'filter', 'reduce', 'sift'],
  ...['eval', 'type', 'clone', 'encodeUrl', 'base64encode', 'now', 'env', 'constructor', 'error'],
)
const quoted = names.map((name) => JSON.stringify(name))

/** JSONata of every kind that walks, calls, binds and builds. */
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    names,
    fc.constantFrom('$', '$$', '*', '**', '%', '1', '"x"', 'null', '[]', '{}'),
    fc.tuple(tie('expression'), names).map(([left, name]) => `${left}.${name}`),
    fc.tuple(tie('expression'), quoted).map(([left, name]) => `${left}.${name}`),
    fc.tuple(functions, tie('expression')).map(([name, argument]) => `$${name}(${argument})`),
    fc
      .tuple(functions, tie('expression'), quoted)
      .map(([name, argument, other]) => `$${name}(${argument}, ${other})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `[${a}, ${b}]`),
    fc.tuple(quoted, tie('expression')).map(([key, value]) => `{${key}: ${value}}`),
    fc.tuple(names, tie('expression')).map(([name, value]) => `($${name} := ${value}; $${name})`),
    fc.tuple(functions, names).map(([name, other]) => `$${name}.${other}`),
    tie('expression').map((body) => `(function($x){ ${body} })($$)`),
  ),
}))

describe('F86: what a rule can reach', () => {
  it('F86: no transform gets at a secret, the process or another event, and none leads elsewhere', {
    timeout: 120_000,
  }, async () => {
    let evaluated = 0
    await fc.assert(
      fc.asyncProperty(expression, async (source) => {
        let transformed: unknown
        try {
          transformed = await compileTransform(source).run(event)
        } catch (error) {
          if (!isZenhookError(error)) throw error
          expect(JSON.stringify([error.message, error.details])).not.toContain('canary-7f3a91')
          return
        }
        evaluated += 1
        expect(JSON.stringify(transformed) ?? '').not.toContain('canary-7f3a91')
        const dispatch = {
          id: 'dsp_1',
          event,
          destination: 'out',
          route: 'r',
          revision: '1',
          key: 'k',
          run: 'live',
          attempt: 0,
          createdAt: 0,
          notBefore: 0,
        }
        const message = outboundOf({ dispatch, number: 1, transformed }, { keys: [], now: 0 })
        // The body is all that it makes: neither method nor a header comes from it.
        const without = outboundOf({ dispatch, number: 1 }, { keys: [], now: 0 })
        const { traceparent: _, 'content-type': __, ...headers } = message.headers
        const { traceparent: ___, 'content-type': ____, ...expected } = without.headers
        expect({ method: message.method, headers }).toEqual({ method: 'POST', headers: expected })
      }),
      { numRuns: 3_000 },
    )
    expect(evaluated).toBeGreaterThan(500)
    expect(Reflect.get(globalThis, 'canary')).toBe(canary)
  })

  it.each([
    'event.secrets',
    'event.raw',
    'event.verification',
    'env.CANARY_SECRET',
    'process.env.CANARY_SECRET == ""',
    'destination.secrets',
    'secrets',
    'event.constructor',
    'event.data.constructor.constructor("return process")() != null',
    'event["__proto__"]',
    'tenants.other',
  ])('F86: the condition %s matches nothing, or is none', (source) => {
    let condition: ReturnType<typeof compileCondition>
    try {
      condition = compileCondition(source)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ZENHOOK_CONFIG_BAD_CONDITION' })
      return
    }
    const { matched, error } = condition.test({ event, facts: event.facts, score: {} })
    expect(matched).toBe(false)
    expect(error ?? '').not.toContain('canary-7f3a91')
  })

  it.each([
    ['a secret in a URL', { url: 'https://example.com/?s=env:CANARY_SECRET' }, /canary-7f3a91/],
    [
      'a secret in a header',
      { url: 'https://example.com/', headers: { a: 'env:CANARY_SECRET' } },
      /canary-7f3a91/,
    ],
    ['a template in a URL', { url: 'https://example.com/{{ secrets.signing }}' }, /canary-7f3a91/],
  ])('F86: %s stays the text that it is', (_, config, secret) => {
    const text = JSON.stringify({
      tenants: { acme: { destinations: { out: { connector: 'webhook', config } } } },
    })
    const { objects } = checkConfig(text, 'test', components)
    expect(JSON.stringify(objects)).toContain(JSON.stringify(config.url).slice(1, 30))
    expect(JSON.stringify(objects)).not.toMatch(secret)
  })

  it('F86: a destination cannot name the secret of another role or tenant by a path of its own', () => {
    const text = JSON.stringify({
      tenants: {
        acme: {
          destinations: {
            out: {
              connector: 'webhook',
              config: { url: 'https://example.com/', secrets: { signing: 'env:CANARY_SECRET' } },
              secrets: { other: 'env:CANARY_SECRET' },
            },
          },
        },
      },
    })
    const { faults } = checkConfig(text, 'test', components)
    expect(faults.map(({ code }) => code)).toEqual([
      'ZENHOOK_CONFIG_UNKNOWN_KEY',
      'ZENHOOK_CONFIG_UNKNOWN_KEY',
    ])
  })
})
