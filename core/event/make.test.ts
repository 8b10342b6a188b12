import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxDataDepth } from './bounds.ts'
import { makeEvent, parseData, withFacts, withOrigin } from './make.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (text: string): unknown => parseData('application/json', bytes(text))

const fields = {
  id: 'e',
  tenant: 't',
  source: 's',
  provider: 'p',
  type: 'x',
  key: 'k',
  dedupeKey: 'd',
  dedupeWindowMs: 1,
  receivedAt: 1,
  contentType: 'application/json',
  headers: {},
  raw: bytes('{"a":1}'),
  facts: {},
  verification: { scheme: 'hmac', bodyCovered: true, idCovered: true },
}

describe('data of an event', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['Application/JSON; charset=utf-8', '[1]', [1]],
    ['application/cloudevents+json', '{}', {}],
    ['application/json', '\ufeff{"bom":true}', { bom: true }],
    ['application/json', '"text"', 'text'],
    ['application/json', '', undefined],
    ['application/json', '{"a":', undefined],
    ['text/plain; charset=UTF-8', ' {"Type":"Notification"}', { Type: 'Notification' }],
    ['text/plain', 'hello', undefined],
    ['text/plain', '5', undefined],
    ['application/xml', '{"a":1}', undefined],
    ['application/x-www-form-urlencoded', 'a=1&b=%C3%9F+x&a=2', { a: '1', b: 'ß x' }],
    ['application/x-www-form-urlencoded', '', {}],
    ['application/x-www-form-urlencoded', 'payload=%7B%22a%22%3A1%7D', { a: 1 }],
    ['application/x-www-form-urlencoded', 'payload=%7B%22a%22', { payload: '{"a"' }],
    ['application/x-www-form-urlencoded', 'payload=%7B%7D&b=1', { payload: '{}', b: '1' }],
  ])('%s: %s', (contentType, body, expected) => {
    expect(parseData(contentType, bytes(body))).toEqual(expected)
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'text/plain', ''),
        fc.uint8Array({ maxLength: 200 }),
        (contentType, raw) => {
          parseData(contentType, raw)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('agrees with JSON.parse on honest values', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('__proto__'))
        expect(json(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('bounds nesting, and is not fooled by brackets in strings', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(json(nested(maxDataDepth))).toBeDefined()
    expect(json(nested(maxDataDepth + 1))).toBeUndefined()
    const wide = (count: number): string =>
      `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')}}`
    expect(json(wide(8_000))).toBeDefined()
    expect(json(wide(20_000))).toBeUndefined()
    const rows = (count: number, row: string): string => `[${Array(count).fill(row).join(',')}]`
    expect(json(rows(20_000, '{"id":"CVE-1","severity":"HIGH","fix":""}'))).toBeDefined()
    expect(json(rows(100_000, '{}'))).toBeUndefined()
    expect(json(`[${'0,'.repeat(200_000)}0]`)).toBeDefined()
    expect(json(nested(1_000_000))).toBeUndefined()
    const text = '[{\\"'.repeat(500)
    expect(json(JSON.stringify({ text }))).toEqual({ text })
  })

  it.each(['{"__proto__":{"admin":true}}', '{"a":[{"\\u005f_pr\\u006fto__":{"admin":true}}]}'])(
    'lets no prototype in: %s',
    (text) => {
      const data = json(text)
      expect(JSON.stringify(data)).not.toContain('admin')
      const copy = Object.assign({}, data)
      expect((copy as { admin?: boolean }).admin).toBeUndefined()
    },
  )

  it('lets no prototype in by a form', () => {
    const data = parseData('application/x-www-form-urlencoded', bytes('__proto__=x&ok=1'))
    expect(data).toEqual({ ok: '1' })
  })
})

describe('makeEvent', () => {
  it('parses once and shares the parsed body with its copies', () => {
    const event = makeEvent(fields)
    const copy = withOrigin(withFacts(event, { severity: 'high' }), {
      topic: 'received',
      partition: 1,
      offset: 2,
    })
    expect(copy.data).toEqual({ a: 1 })
    expect(copy.data).toBe(event.data)
    expect(copy.raw).toBe(event.raw)
    expect(copy.facts).toEqual({ severity: 'high' })
    expect(copy.origin).toEqual({ topic: 'received', partition: 1, offset: 2 })
    expect(event.facts).toEqual({})
    expect(event.origin).toBeUndefined()
  })

  it('survives a spread', () => {
    const event = makeEvent(fields)
    expect({ ...event, type: 'y' }.data).toEqual({ a: 1 })
  })
})
