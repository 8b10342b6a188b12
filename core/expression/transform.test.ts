import { describe, expect, test } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import type { Event } from '../event/index.ts'
import { compileTransform } from './transform.ts'

const eventOf = (data: unknown): Event => ({
  id: '0190b0b4-0000-7000-8000-000000000000',
  tenant: 'acme',
  source: 'github',
  provider: 'github',
  type: 'check_run.completed',
  key: 'k',
  dedupeKey: 'd',
  dedupeWindowMs: 1,
  deliveryId: 'd-1',
  receivedAt: 1_700_000_000_000,
  contentType: 'application/json',
  headers: { 'x-github-event': 'check_run' },
  raw: new Uint8Array(),
  data,
  facts: { severity: 'high' },
  verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
})

const run = (source: string, data: unknown = {}): Promise<unknown> =>
  compileTransform(source).run(eventOf(data))

const faultOf = async (work: () => unknown): Promise<Record<string, unknown>> => {
  try {
    return { value: await work() }
  } catch (error) {
    if (!isZenhookError(error)) throw error
    const { code, message, retriable, details } = error
    return { code, message, retriable, ...details }
  }
}

describe('transforms', () => {
  const data = {
    repository: { full_name: 'acme/app' },
    commits: [
      { id: 'a1', message: 'fix: one' },
      { id: 'b2', message: 'feat: two' },
    ],
  }
  test.each([
    [
      '{ "text": "Build failed in " & data.repository.full_name }',
      { text: 'Build failed in acme/app' },
    ],
    ['data.commits.message', ['fix: one', 'feat: two']],
    ['$join(data.commits.id, ",")', 'a1,b2'],
    ['data.commits[message ~> /^feat/].id', 'b2'],
    ['$replace(data.commits[0].message, /(\\w+): (\\w+)/, "$2 ($1)")', 'one (fix)'],
    ['$split("a1b22c", /\\d+/)', ['a', 'b', 'c']],
    ['$match("k=v", /(\\w)=(\\w)/).groups', ['k', 'v']],
    ['$pad("x", 3, "-") & $string({"a": [1, 2]})', 'x--{"a":[1,2]}'],
    ['$distinct([1, 1, 2]) ~> $sum()', 3],
    ['$fromMillis($toMillis(receivedAt), "[Y0001]-[M01]")', '2023-11'],
    [
      '[type, deliveryId, facts.severity, receivedAt]',
      ['check_run.completed', 'd-1', 'high', '2023-11-14T22:13:20.000Z'],
    ],
    ['($double := function($x) { $x * 2 }; $map([1, 2], $double))', [2, 4]],
    ['data', data],
  ])('%s', async (source, expected) => {
    expect(await run(source, data)).toEqual(expected)
  })

  test('changes nothing of the event', async () => {
    const event = eventOf({ a: { b: 1 } })
    await compileTransform('data ~> |a|{"b": 2}|').run(event)
    expect(event.data).toEqual({ a: { b: 1 } })
  })

  test.each([
    ['{ "a": ', 7, /end of expression/],
    ['{ "text": data.x & }', 19, /./],
    ['$eval("1")', 0, /\$eval is not allowed/],
    ['data.x ~> $eval', 10, /\$eval is not allowed/],
    ['1 + $lenght("a")', 4, /unknown function '\$lenght'; did you mean '\$length'/],
    ['$match("a", /(a)\\1/)', 12, /back-references/],
  ])('%s does not compile', async (source, offset, message) => {
    const fault = await faultOf(() => compileTransform(source))
    expect(fault.code).toBe('ZENHOOK_CONFIG_BAD_TRANSFORM')
    expect(fault.message).toMatch(message)
    expect(fault.offset).toBe(offset)
  })

  test.each([
    ['($f := function($x) { $f($x + 1) }; $f(0))', /steps/],
    ['($f := function($x) { 1 + $f($x) }; $f(0))', /Stack|steps/i],
    ['($d := function($s) { $d($s & $s) }; $d("0123456789abcdef"))', /a text is larger/],
    ['$pad("x", 1000000000)', /\$pad/],
    ['[1..9999999]', /50000|1e7|maximum/],
    ['($a := $pad("x", 60000); $join([1..9000].($a)))', /\$join/],
    ['($a := $pad("x", 60000); $string([1..9000].($a)))', /larger/],
    ['($a := $pad("x", 60000); [1..9000].($a))', /the output/],
    ['$fromMillis(0, "[Y,1000000000-1000000000]")', /picture/],
    ['$toMillis("20240101", "[Y][M][D]")', /picture/],
    ['$match(data.long, /(?:.*.*.*=){5}/)', /too long/],
  ])('%s ends by a limit', async (source, message) => {
    const started = performance.now()
    const fault = await faultOf(() => run(source, { long: 'a'.repeat(200_000) }))
    expect(fault.code).toBe('ZENHOOK_CONFIG_TRANSFORM_LIMIT')
    expect(fault.message).toMatch(message)
    expect(fault.retriable).toBe(false)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test.each([
    ['data.nothing', /gives nothing/],
    ['$number("x")', /number/i],
    ['$error("no")', /no/],
  ])('%s fails and says so', async (source, message) => {
    const fault = await faultOf(() => run(source))
    expect(fault.code).toBe('ZENHOOK_CONFIG_TRANSFORM_FAILED')
    expect(fault.message).toMatch(message)
  })

  test('F78: what an event says is text, never code or a template', async () => {
    const hostile = '$eval("1") & {{constructor.constructor("return process")()}} {a}'
    expect(
      await run('{ "text": "said: " & data.say, "all": data }', { say: hostile, a: 1 }),
    ).toEqual({
      text: `said: ${hostile}`,
      all: { say: hostile, a: 1 },
    })
    for (const source of ['$eval(data.say)', '($e := $eval; $e(data.say))'])
      expect(await faultOf(() => compileTransform(source))).toMatchObject({
        code: 'ZENHOOK_CONFIG_BAD_TRANSFORM',
        message: expect.stringMatching(/\$eval is not allowed/),
      })
  })

  test.each([
    'constructor',
    '$sum.constructor',
    'data.constructor.constructor',
    '$lookup(data, "__proto__")',
    '$lookup($sum, "implementation")',
    'process',
  ])('F78: %s reaches nothing outside', async (source) => {
    expect(await faultOf(() => run(source))).toMatchObject({
      code: 'ZENHOOK_CONFIG_TRANSFORM_FAILED',
      message: expect.stringMatching(/gives nothing/),
    })
  })

  test('refuses a source of more than 16 KiB', async () => {
    const fault = await faultOf(() => compileTransform(`"${'x'.repeat(20_000)}"`))
    expect(fault).toMatchObject({ code: 'ZENHOOK_CONFIG_BAD_TRANSFORM', offset: 16_384 })
  })

  test('an attempt that ran out of wall time may be made again', async () => {
    const loop = compileTransform('($f := function($x) { $f($x + 1) }; $f(0))', { timeoutMs: 1 })
    expect(await faultOf(() => loop.run(eventOf({})))).toMatchObject({
      code: 'ZENHOOK_CONFIG_TRANSFORM_LIMIT',
      retriable: true,
    })
  })

  test('one compiled transform serves many events at once', async () => {
    const transform = compileTransform('data.n * 2')
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => transform.run(eventOf({ n: n + 1 }))),
    )
    expect(results).toEqual(Array.from({ length: 20 }, (_, n) => (n + 1) * 2))
  })
})
