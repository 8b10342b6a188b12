import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isZenhookError } from '../../core/errors/index.ts'
import { makeEvent } from '../../core/event/index.ts'
import { compileCondition } from '../../core/expression/condition.ts'
import { compileTransform } from '../../core/expression/transform.ts'
import { eventOf } from '../../core/stage/testing.ts'
import { runs, timeout } from './settings.ts'

const data = {
  s: 'a'.repeat(5_000),
  n: 5,
  l: [1, 2, 3],
  o: { p: { q: 'x' } },
  rows: Array(500).fill({ k: 'v' }),
}
const event = makeEvent({
  ...eventOf('e'),
  contentType: 'application/json',
  raw: Buffer.from(JSON.stringify(data)),
})
const limitMs = 5_000

const sentence = (words: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 16 }).map((parts) => parts.join(' ')),
    fc.array(fc.constantFrom(...words), { maxLength: 16 }).map((parts) => parts.join('')),
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 30 }),
  )

const cel = sentence([
  ...['event.type', 'event.data.s', 'event.data.rows', 'facts.x', 'score.urgency', 'event.data.l'],
  ...[
    '.all(x,',
    '.exists(y,',
    '.map(z,',
    '.filter(w,',
    '.matches(',
    '"(a|a)*b"',
    '"(a+)+$"',
    ')',
    '(',
  ],
  ...[
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '?',
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '<',
    '&&',
    '||',
    '!',
    'in',
    '.',
  ],
  ...['true', '1', '-9223372036854775808', '1e308', '"x"', 'null', 'x', 'size(', 'int(', 'string('],
  ...[
    'has(event.data.o)',
    'timestamp("2026-01-01T00:00:00Z")',
    'duration("1h")',
    'b"\\xff"',
    'type(',
  ],
])
const jsonata = sentence([
  ...[
    'data',
    'data.s',
    'data.rows',
    'data.l',
    '$',
    '$$',
    '$x',
    ':=',
    ';',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
  ],
  ...[
    'function($i){',
    '$map(',
    '$reduce(',
    '$filter(',
    '$join(',
    '$string(',
    '$split(',
    '$pad(',
    '$sum(',
  ],
  ...[
    '/(a+)+$/',
    '/a|b/i',
    '1..100000',
    '1..5',
    '~>',
    '^(',
    '%',
    '@$v',
    '#$i',
    '**',
    '*',
    '+',
    '&',
    '.',
  ],
  ...[
    '"x"',
    '1',
    '1e308',
    '?',
    ':',
    ',',
    'and',
    'or',
    'in',
    '$replace(',
    '$eval(',
    '$toMillis(',
    '|',
    '=',
    '<',
  ],
])

const evil = [
  '(a+)+$',
  '^(a|a)*b',
  '(a|aa)+$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(.*a){20}',
  'a*a*a*a*a*b',
]

it('F79: no pattern takes long over 50,000 times a, and the rules beside it go on', async () => {
  const long = makeEvent({
    ...eventOf('e'),
    contentType: 'application/json',
    raw: Buffer.from(JSON.stringify({ text: `${'a'.repeat(50_000)}!`, ok: 'yes' })),
  })
  const input = { event: long, facts: {}, score: {} }
  const other = compileCondition('event.data.ok == "yes"')
  for (const pattern of evil) {
    const startedAt = performance.now()
    const verdict = compileCondition(`event.data.text.matches('${pattern}')`).test(input)
    expect(verdict.matched).toBeTypeOf('boolean')
    expect(other.test(input)).toEqual({ matched: true })
    // The limit of work makes an error of it, or it is linear: then it has its answer.
    for (const call of [
      `$match(data.text, /${pattern}/)`,
      `$replace(data.text, /${pattern}/, "b")`,
    ])
      await compileTransform(`{"a": $string(${call})}`)
        .run(long)
        .catch((error: unknown) => {
          if (!isZenhookError(error)) throw error
          expect(error.code).toMatch(/^ZENHOOK_CONFIG_TRANSFORM_/)
        })
    expect(await compileTransform('{"ok": data.ok}').run(long)).toEqual({ ok: 'yes' })
    expect(performance.now() - startedAt).toBeLessThan(limitMs)
  }
}, 60_000)

it('any text is a condition that ends, or a fault with its place', { timeout }, () => {
  let compiled = 0
  fc.assert(
    fc.property(cel, (source) => {
      const startedAt = performance.now()
      try {
        const condition = compileCondition(source)
        compiled += 1
        const { matched } = condition.test({ event, facts: {}, score: {} })
        expect(matched).toBeTypeOf('boolean')
      } catch (error) {
        if (!isZenhookError(error)) throw error
        expect(error.code).toBe('ZENHOOK_CONFIG_BAD_CONDITION')
        expect(error.details.offset).toBeGreaterThanOrEqual(0)
      }
      expect(performance.now() - startedAt).toBeLessThan(limitMs)
    }),
    runs('conditions', 2_000),
  )
  expect(compiled).toBeGreaterThan(0)
})

it('any text is a transform that ends, or a fault with its place', { timeout }, async () => {
  let compiled = 0
  await fc.assert(
    fc.asyncProperty(jsonata, async (source) => {
      const startedAt = performance.now()
      try {
        const transform = compileTransform(source)
        compiled += 1
        expect(JSON.stringify(await transform.run(event))).toBeTypeOf('string')
      } catch (error) {
        if (!isZenhookError(error)) throw error
        expect(error.code).toMatch(
          /^ZENHOOK_CONFIG_(BAD_TRANSFORM|TRANSFORM_FAILED|TRANSFORM_LIMIT)$/,
        )
      }
      expect(performance.now() - startedAt).toBeLessThan(limitMs)
    }),
    runs('transforms', 1_500),
  )
  expect(compiled).toBeGreaterThan(0)
})
