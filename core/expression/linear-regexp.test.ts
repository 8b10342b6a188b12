import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PatternError } from './linear-program.ts'
import { LinearRegExp } from './linear-regexp.ts'

const all = (
  engine: { exec(text: string): RegExpExecArray | (string[] & { index: number }) | null },
  text: string,
) => {
  const found: unknown[] = []
  for (let count = 0; count < 20; count += 1) {
    const match = engine.exec(text)
    if (match === null) break
    found.push([match.index, ...match])
    if (match[0] === '') break
  }
  return found
}

describe('linear patterns', () => {
  test.each([
    [/a+?b*|c/g, 'xxaabbbccab'],
    [/(\d+)-(\d+)/g, 'a 12-34 5-6'],
    [/^(\w+)\s*=\s*(.*)$/gm, 'a = 1\nbb=22\r\nc = '],
    [/(a|ab)(c|bcd)(d*)/g, 'abcd abcd'],
    [/(?:(a)|b)*/g, 'ab'],
    [/[^a-c\d]+/gi, 'abcXYZ123ABC_'],
    [/\bfoo\b/gi, 'foo Foo food afoo foo'],
    [/x{2,3}y{0,1}z{2}/g, 'xxyzz xxxzz xyzz'],
    [/[\w.-]+@[\w-]+\.[a-z]{2,}/gi, 'mail Bob.B@Example.org now'],
    [/\x41\u0042\t?/g, 'AB\tAB'],
    [/(?<year>\d{4})/g, 'in 2024'],
    [/[\]\-\\^]+/g, 'a]-\\^b'],
    [/a{,2}]/g, 'a{,2}]'],
    [/()|a/g, 'aaa'],
    [/.+/gs, 'a\nb'],
    [/[^\S\n]+/g, 'a \n b'],
  ])('%s finds what RegExp finds', (pattern, text) => {
    expect(all(new LinearRegExp(pattern), text)).toEqual(all(new RegExp(pattern), text))
  })

  const piece = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '(a)',
    '(?:b|ab)',
    '(a|b)',
    '\\w',
    'c',
  )
  const part = fc
    .tuple(piece, fc.constantFrom('', '*', '+', '?', '*?', '+?', '{1,2}', '{2}'))
    .map(([atom, count]) => atom + count)
  test('agrees with RegExp on random patterns and texts', () => {
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('g', 'gi'),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A'), maxLength: 12 }),
        (parts, flags, text) => {
          const pattern = new RegExp(parts.join(''), flags)
          expect(all(new LinearRegExp(pattern), text)).toEqual(all(new RegExp(pattern), text))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test.each([/(a)\1/, /(?=a)b/, /(?<!a)b/, /\k<a>(?<a>b)/, /(?:a{1000}){1000}/])(
    '%s is refused',
    (pattern) => {
      expect(() => new LinearRegExp(pattern)).toThrow(PatternError)
    },
  )

  test('F79: is linear where RegExp is exponential, and ends by its limit', () => {
    const started = performance.now()
    expect(new LinearRegExp(/(a+)+$/g).exec(`${'a'.repeat(20_000)}!`)).toBeNull()
    expect(() => new LinearRegExp(/(?:.*.*.*=){9}/g).exec('a'.repeat(500_000))).toThrow(/too long/)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
