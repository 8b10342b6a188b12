import fc from 'fast-check'
import { expect, it } from 'vitest'
import { components } from '../../cli/components.ts'
import { checkConfig } from '../../core/registry/config/index.ts'
import { runs, timeout } from './settings.ts'

const good = `tenants:
  acme:
    sources:
      github: { provider: github, secrets: [env:A], maxBody: 1MiB, contentEncoding: sent }
      own: { verify: { scheme: hmac, header: x-s }, secrets: [env:B], dedupe: { window: 5m, key: a.b } }
    destinations:
      hook: { connector: webhook, config: { url: "https://example.com" }, secrets: { signing: env:C } }
    routes:
      - { name: one, when: 'event.type == "a" && score.urgency > 0.5', to: [hook], transform: '{"a": data.b}' }
`

const key = fc.oneof(
  fc.constantFrom(
    ...['tenants', 'acme', 'sources', 'destinations', 'routes', 'provider', 'secrets', 'verify'],
    ...['scheme', 'dedupe', 'rateLimit', 'when', 'to', 'transform', 'connector', 'config', 'name'],
    ...['__proto__', 'constructor', 'toString', 'maxBody', 'contentEncoding', 'retry', 'template'],
  ),
  fc.string({ maxLength: 8 }),
)
const scalar = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(
    null,
    'env:A',
    'file:/x',
    'plain:',
    'github',
    'hmac',
    'jwt',
    'slack',
    '1MiB',
    '5m',
  ),
  fc.constantFrom('true', 'event.type.matches("(a+)+$")', '$eval("1")', '{body}{header:x}', 'a..b'),
)
const tree = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 6 },
    scalar,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(key, tie('node'), { maxKeys: 5 }),
  ),
})).node

/** The good file with stretches of it replaced. */
const mutated = fc
  .array(
    fc.tuple(
      fc.nat(good.length),
      fc.nat(30),
      fc.oneof(
        fc.string({ maxLength: 12 }),
        fc.constantFrom(
          '&a',
          '*a',
          '<<: *a',
          '!!js/function',
          '---',
          '? ',
          '|',
          '>',
          '{',
          '[',
          '\t',
          '%',
        ),
      ),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((cuts) =>
    cuts.reduce(
      (text, [from, length, put]) => text.slice(0, from) + put + text.slice(from + length),
      good,
    ),
  )

const text = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 100 }),
  tree.map((value) => JSON.stringify(value) ?? 'null'),
  fc
    .record({ tenants: fc.dictionary(key, tree, { maxKeys: 3 }) })
    .map((value) => JSON.stringify(value)),
  mutated,
)

it('any text is valid configuration, or faults with their places', { timeout }, () => {
  expect(checkConfig(good, 'good.yaml', components).faults).toEqual([])
  let valid = 0
  fc.assert(
    fc.property(text, (source) => {
      const { faults, objects, warnings } = checkConfig(source, 'f.yaml', components)
      const lines = source.split(/\r\n|\r|\n/).length
      for (const fault of [...faults, ...warnings]) {
        expect(fault.code).toMatch(/^ZENHOOK_CONFIG_/)
        expect(fault.message).not.toBe('')
        expect(fault.line).toBeGreaterThanOrEqual(1)
        expect(fault.line).toBeLessThanOrEqual(lines + 1)
        expect(fault.column).toBeGreaterThanOrEqual(1)
      }
      if (faults.length > 0) expect(objects).toEqual([])
      else valid += 1
      expect(Object.prototype).not.toHaveProperty('tenants')
    }),
    runs('configuration', 500),
  )
  expect(valid).toBeGreaterThan(0)
})
