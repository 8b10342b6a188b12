import { celEnv, isCelError, parse, plan } from '@bufbuild/cel'
import { describe, expect, test } from 'vitest'
import type { Event } from '../event/index.ts'
import { conditionLimits } from './cel-budget.ts'
import { compileCondition, type Match } from './condition.ts'

const eventOf = (data: unknown): Event => ({
  id: '0190b0b4-0000-7000-8000-000000000000',
  tenant: 'acme',
  source: 'github',
  provider: 'github',
  type: 'push',
  key: 'k',
  dedupeKey: 'd',
  dedupeWindowMs: 1,
  receivedAt: 1_700_000_000_000,
  contentType: 'application/json',
  headers: {},
  raw: new Uint8Array(),
  data,
  facts: {},
  verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
})

const run = (source: string, data: unknown = {}): Match =>
  compileCondition(source).test({ event: eventOf(data), facts: {}, score: {} })

const spent = {
  matched: false,
  error: `more than ${conditionLimits.elements} elements visited, or as much work done`,
}

const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => from + index)
const members = (count: number) => Object.fromEntries(numbers(count).map((each) => [`k${each}`, 1]))
// The same each time, with no pattern in it.
const noise = (length: number): string => {
  let state = 1
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state > 0x3fffffff ? 'a' : 'b'
  }).join('')
}

/** Time of this process on a processor: a busy machine makes nothing of it slower. */
const secondsOf = (work: () => void): number => {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

const or = (clause: string, times: number): string => Array(times).fill(clause).join('||')

describe('F79: one budget for all that an evaluation does', { timeout: 120_000 }, () => {
  const text = 'abc'.repeat(320_000)
  const long = noise(65_536)
  test.each([
    [
      'in',
      'event.data.a.all(x, !(x in event.data.b))',
      { a: numbers(20_000, -30_000), b: numbers(480_000) },
    ],
    [
      'in, of lists in lists',
      'event.data.a.all(x, event.data.b.all(y, !([x, y] in event.data.c)))',
      { a: numbers(100), b: numbers(100), c: numbers(100_000).map((each) => [each, -1]) },
    ],
    [
      '== of lists',
      'event.data.a.all(x, event.data.b == event.data.c)',
      { a: numbers(10_000), b: numbers(400_000), c: numbers(400_000) },
    ],
    [
      '!= of maps',
      'event.data.a.all(x, !(event.data.b != event.data.c))',
      { a: numbers(20_000), b: members(10_000), c: members(10_000) },
    ],
    [
      '== of texts',
      'event.data.a.exists(x, event.data.b == event.data.c)',
      { a: numbers(20_000), b: `${text}a`, c: `${text}b` },
    ],
    [
      'contains',
      'event.data.a.exists(x, event.data.text.contains("cba"))',
      { a: numbers(20_000), text },
    ],
    [
      'contains, of a long part',
      'event.data.text.contains(event.data.part)',
      { text: 'a'.repeat(600_000), part: `${'a'.repeat(150_000)}b${'a'.repeat(150_000)}` },
    ],
    [
      'lastIndexOf, of a long part',
      'event.data.text.lastIndexOf(event.data.part) == 0',
      { text: 'a'.repeat(600_000), part: `b${'a'.repeat(300_000)}` },
    ],
    [
      'startsWith',
      'event.data.a.all(x, event.data.text.startsWith(event.data.text))',
      { a: numbers(20_000), text },
    ],
    ['<', 'event.data.a.all(x, event.data.text <= event.data.text)', { a: numbers(20_000), text }],
    [
      'size of a text',
      'event.data.a.all(x, event.data.text.size() > 1)',
      { a: numbers(20_000), text },
    ],
    [
      'size of a map',
      'event.data.a.all(x, size(event.data.m) > 1)',
      { a: numbers(20_000), m: members(10_000) },
    ],
    [
      'a number as the key of a map',
      'event.data.a.exists(x, event.data.m[1] == 1)',
      { a: numbers(20_000), m: members(10_000) },
    ],
    [
      'lowerAscii',
      'event.data.a.all(x, event.data.text.lowerAscii() != "")',
      { a: numbers(20_000), text },
    ],
    [
      'int',
      'event.data.a.exists(x, int(event.data.text) == 1)',
      { a: numbers(20_000), text: '9'.repeat(900_000) },
    ],
    ['bytes', 'event.data.a.all(x, bytes(event.data.text) != b"")', { a: numbers(20_000), text }],
    [
      'time zones',
      'event.data.a.all(x, timestamp("2026-01-01T00:00:00Z").getHours("Europe/Berlin") == 1)',
      { a: numbers(20_000) },
    ],
    [
      'texts put together',
      'event.data.a.map(x, event.data.text + event.data.text).size() == 1',
      { a: numbers(20_000), text: 'a'.repeat(131_000) },
    ],
    [
      'lists put together',
      'event.data.a.map(x, event.data.b + event.data.b).size() == 1',
      { a: numbers(20_000), b: numbers(100_000) },
    ],
    [
      'matches',
      'event.data.a.exists(x, event.data.text.matches("[a-c]+d$"))',
      { a: numbers(20_000), text: noise(65_536) },
    ],
    // One call of such a pattern took six seconds, and well over a minute.
    [
      'a pattern of many states',
      'event.data.text.matches("(a|b)*a(a|b){400}[cd]$")',
      { text: long },
    ],
    [
      'a pattern of many empty steps',
      'event.data.text.matches("(a|b)*a(a|b){16}((a|b)?){300}[cd]")',
      { text: long },
    ],
    [
      'patterns of the body',
      'event.data.a.exists(x, "a".matches(x))',
      { a: numbers(20_000).map((each) => `((x${each}|b){0,50}){0,9}[cd]`) },
    ],
    [
      'patterns of the body that do not compile',
      'event.data.a.exists(x, "a".matches(x))',
      { a: numbers(20_000).map((each) => `${'\\pL'.repeat(300)}${each}(`) },
    ],
    [
      'contains, of a text in itself',
      'event.data.a.all(x, event.data.b.contains(event.data.c))',
      { a: numbers(20_000), b: `${text}`, c: `${text}` },
    ],
    ['long conditions', `event.data.a.exists(x, ${or('x.n', 600)})`, { a: numbers(20_000) }],
    [
      'errors that || swallows',
      'event.data.a.all(x, !(x in event.data.b)) || true',
      { a: numbers(20_000, -30_000), b: numbers(480_000) },
    ],
  ])('%s', (_name, source, data) => {
    const seconds = secondsOf(() => expect(run(source, data)).toEqual(spent))
    expect(seconds).toBeLessThan(5)
  })

  test('what is no error for its length is still bounded', () => {
    const seconds = secondsOf(() => {
      expect(
        run('event.data.a == event.data.b', { a: numbers(400_000), b: numbers(400_000) }),
      ).toEqual({ matched: true })
      expect(run(`event.data.a.exists(x, ${or('x.n', 300)})`, { a: numbers(400) }).error).toMatch(
        /field not found/,
      )
      expect(
        run(`[bytes(event.data.text)]${'.map(x, x + x)'.repeat(22)}.size() == 1`, {
          text: 'a'.repeat(1_000),
        }).error,
      ).toMatch(/larger than/)
    })
    expect(seconds).toBeLessThan(5)
  })

  test('a spent budget is one evaluation’s: the next has its own, and patterns compile', () => {
    const { stackTraceLimit } = Error
    expect(
      run('event.data.a.all(x, !(x in event.data.b))', {
        a: numbers(20_000, -30_000),
        b: numbers(480_000),
      }),
    ).toEqual(spent)
    expect(run('event.type.matches("^pu(sh|ll)$")')).toEqual({ matched: true })
    expect(Error.stackTraceLimit).toBe(stackTraceLimit)
  })

  test.each([
    [
      'a pattern of some thousand states',
      'event.data.text.matches("(a|b)*a(a|b){12}([cd]|$)$|[c]")',
      { text: long },
    ],
    [
      'one that is within it',
      'event.data.text.matches("(a|b)*a(a|b){10}([cd]|$)$|[c]")',
      { text: long },
    ],
    [
      'patterns of the body',
      'event.data.a.all(x, "b".matches(x))',
      { a: numbers(1_500).map((each) => `b|aaa${each}`) },
    ],
  ])('costs the same whatever was evaluated before: %s', (_name, source, data) => {
    const results = numbers(5).map(() => run(source, data))
    expect(results).toEqual(Array(5).fill(results[0]))
  })

  test('many patterns of many states, each within its share, end in time', () => {
    const clause = (each: number): string => `event.data.text.matches("(a|b)*a[ab]{${each}}[cd]$")`
    const source = numbers(60, 200).map(clause).join(' || ')
    const seconds = secondsOf(() => run(source, { text: noise(400) }))
    expect(seconds).toBeLessThan(5)
  })

  test.each([
    ['event.data.a.all(x, x.severity in ["high", "critical"] && x.id.startsWith("CVE-"))', 20_000],
    ['event.data.a.map(x, x.id).size() == 20000', 20_000],
    ['event.data.a.filter(x, x.severity == "high").exists(x, x.id == "CVE-9999")', 15_000],
    ['event.data.a.map(x, x.id) == event.data.a.map(x, x.id)', 12_000],
    ['event.data.a.exists_one(x, x.id == "CVE-19999")', 20_000],
    ['!event.data.text.contains("zzz") && !event.data.text.matches("[x-z]+")', 1],
  ])('%s stays within it', (source, count) => {
    const a = numbers(count).map((each) => ({
      severity: each % 2 === 1 ? 'high' : 'critical',
      id: `CVE-${each}`,
    }))
    expect(run(source, { a, text: noise(60_000) })).toEqual({ matched: true })
  })
})

describe('what is paid for does as CEL does', () => {
  const values = [
    ...[
      '1',
      '1u',
      '1.0',
      '2',
      '0.5',
      '-1',
      'true',
      'false',
      'null',
      '""',
      '"a"',
      '"ab"',
      'b""',
      'b"a"',
      'b"ab"',
    ],
    ...[
      '[]',
      '[1]',
      '[1.0]',
      '[1, 2]',
      '[[1], "a"]',
      '[null]',
      '{}',
      '{"a": 1}',
      '{"a": 1.0}',
      '{"a": [1u]}',
      '{1: 2}',
      '{1u: 2}',
      '{true: null}',
    ],
    ...[
      'int',
      'string',
      'timestamp("2026-01-01T00:00:00Z")',
      'duration("1h")',
      'duration("60m")',
      '0.0/0.0',
      '[0.0/0.0]',
    ],
  ]
  const library = celEnv()
  const inLibrary = (source: string): Match => {
    const result = plan(library, parse(source))()
    if (isCelError(result)) return { matched: false, error: result.message }
    return typeof result === 'boolean'
      ? { matched: result }
      : { matched: false, error: 'no boolean' }
  }
  const pairs = (template: (left: string, right: string) => string): readonly string[] =>
    values.flatMap((left) => values.map((right) => template(left, right)))

  test.each([
    ['==', pairs((left, right) => `${left} == ${right}`)],
    ['!=', pairs((left, right) => `${left} != ${right}`)],
    ['in a list', pairs((left, right) => `${left} in [${right}]`)],
    ['in', pairs((left, right) => `${left} in ${right}`)],
    ['<', pairs((left, right) => `${left} < ${right}`)],
    ['>=', pairs((left, right) => `${left} >= ${right}`)],
    ['size', values.map((each) => `size(${each}) == 1`)],
    ['.size', values.map((each) => `(${each}).size() < 2`)],
    [
      'lists',
      [
        '[1] + [2] == [1, 2]',
        '([1] + [2])[1] == 2',
        '([1] + [])[1] == 1',
        '([] + [1])[-1] == 1',
        '[1] + [2] == [2, 1]',
      ],
    ],
    [
      'texts',
      [
        '"a" + "b" == "ab"',
        'b"a" + b"b" == b"ab"',
        '"ab".contains("b")',
        '"ab".contains("")',
        '"ab".startsWith("b")',
        '"ab".endsWith("b")',
        '"é😀".size() == 2',
        '"a".contains(1)',
      ],
    ],
    [
      'conversions',
      [
        'int("12") == 12',
        'int("x") == 1',
        'uint("1") == 1u',
        'double("1.5") == 1.5',
        'bool("t")',
        'bool("x")',
        'string(b"a") == "a"',
        'string(b"\\xff") == "a"',
        'bytes("a") == b"a"',
        'string(1) == "1"',
        'string(duration("1h")) == "3600s"',
        'timestamp("x") == timestamp("x")',
      ],
    ],
    [
      'macros',
      [
        '[1, 2].map(x, [x]) == [[1], [2]]',
        '[1, 2, 3].filter(x, x > 1).map(x, x + x) == [4, 6]',
        '{"a": 1, "b": 2}.all(k, k in ["a", "b"])',
        '[1].all(x, x.y == 1)',
        '1.all(x, true)',
      ],
    ],
  ])('%s', (_name, sources) => {
    for (const source of sources) expect([source, run(source)]).toEqual([source, inLibrary(source)])
  })

  test('a list put together twice with something keeps what it was', () => {
    expect(
      run('[[1] + [2]].all(l, l + [3] == [1, 2, 3] && l + [4] == [1, 2, 4] && l == [1, 2])'),
    ).toEqual({ matched: true })
    expect(run('[[1] + [2]].all(l, (l + l) + l == [1, 2, 1, 2, 1, 2] && size(l) == 2)')).toEqual({
      matched: true,
    })
  })
})
