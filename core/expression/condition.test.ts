import { describe, expect, test } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import type { Event } from '../event/index.ts'
import { compileCondition } from './condition.ts'

const eventOf = (data: unknown): Event => ({
  id: '0190b0b4-0000-7000-8000-000000000000',
  tenant: 'acme',
  source: 'github',
  provider: 'github',
  type: 'check_run.completed',
  key: 'k',
  dedupeKey: 'd',
  dedupeWindowMs: 1,
  receivedAt: 1_700_000_000_000,
  contentType: 'application/json',
  headers: { 'x-github-event': 'check_run' },
  raw: new Uint8Array(),
  data,
  facts: {},
  verification: { scheme: 'hmac', bodyCovered: true, idCovered: false },
})

const run = (source: string, data: unknown = {}, facts = {}, score: object = { urgency: 0.8 }) =>
  compileCondition(source).test({ event: eventOf(data), facts, score: { ...score } })

const faultOf = (source: string): { message: string; offset: unknown } => {
  try {
    compileCondition(source)
  } catch (error) {
    if (isZenhookError(error)) return { message: error.message, offset: error.details.offset }
    throw error
  }
  throw new Error(`compiled: ${source}`)
}

describe('conditions', () => {
  const hostile = JSON.parse(
    '{"count":4,"constructor":{"name":"x"},"__proto__":{"admin":true},"list":[{"n":1},{"n":2.5}]}',
  )
  test.each([
    ['event.type.startsWith("check_run") && score.urgency >= 0.7', true],
    ['event.data.count > 3', true],
    ['event.data.count == 4', true],
    ['event.data.count + 1 == 5 && 2 * event.data.count == 8', true],
    ['event.data.count % 2 == 0', true],
    ['event.data.list.exists(item, item.n > 2)', true],
    ['event.data.list[0].n == 1', true],
    ['has(event.data.nope)', false],
    ['has(event.data.nope) && event.data.nope.deeper == 1', false],
    ['"count" in event.data', true],
    ['event.data.constructor.name == "x"', true],
    ['has(event.data.toString)', false],
    ['has(facts.admin)', false],
    ['event.headers["x-github-event"] == "check_run"', true],
    ['event.receivedAt > 1600000000000', true],
    ['event.type.matches("^check_(run|suite)")', true],
    ['event.type.upperAscii() == "CHECK_RUN.COMPLETED"', true],
    ['true', true],
  ])('%s is %s', (source, matched) => {
    expect(run(source, hostile)).toEqual({ matched })
  })

  test.each([
    ['event.data.nope == 1', /nope/],
    ['event.data.count.deeper', /./],
    ['event.data.count', /boolean/],
    ['event.deliveryId == "x"', /deliveryId/],
    ['event.data.count > "3"', /overload/],
  ])('%s has not matched, and says why', (source, why) => {
    const { matched, error } = run(source, hostile)
    expect(matched).toBe(false)
    expect(error).toMatch(why)
  })

  test.each([
    ['event.type ==', 11, /=/],
    ['event.tpye == "a"', 5, /no field 'tpye'; did you mean 'type'/],
    ['true && evnt.type == "a"', 8, /unknown variable 'evnt'; did you mean 'event'/],
    ['event.type.startWith("a")', 10, /unknown function 'startWith'; did you mean 'startsWith'/],
    ['event.type.matches("(a")', 19, /missing/],
    ['', 0, /./],
  ])('%s does not compile', (source, offset, message) => {
    const fault = faultOf(source)
    expect(fault.message).toMatch(message)
    expect(fault.offset).toBe(offset)
  })

  test('refuses sources that are long or deep', () => {
    expect(faultOf(`${'('.repeat(30)}1${')'.repeat(30)}`).message).toMatch(/nested/)
    expect(faultOf(`true ${'|| true'.repeat(700)}`).message).toMatch(/longer/)
  })

  test('F79: patterns never backtrack', () => {
    const started = performance.now()
    expect(run('event.data.text.matches("^(a+)+$")', { text: `${'a'.repeat(50_000)}!` })).toEqual({
      matched: false,
    })
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  test('F79: nested macros stop at the limit, also where each inner one ends at once', () => {
    const list = Array.from({ length: 5_000 }, (_, index) => index)
    for (const source of [
      'event.data.list.all(a, event.data.list.all(b, a + b >= 0))',
      'event.data.list.all(a, event.data.list.exists(b, b == 0))',
    ]) {
      const started = performance.now()
      expect(run(source, { list })).toEqual({
        matched: false,
        error: 'more than 30000 elements visited, or as much work done',
      })
      expect(performance.now() - started).toBeLessThan(5_000)
    }
  })

  test('texts and lists do not grow by doubling', () => {
    const doubling = `${'["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]'}${'.map(x, x + x)'.repeat(20)}.size() == 1`
    expect(run(doubling).error).toMatch(/larger than/)
  })
})
