import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest } from '../../core/config/nearest.ts'
import { parseBody, rewritten, valueAt, valuesAt } from './body.ts'
import { decode } from './encoding.ts'
import { idOf, pick, typeOf } from './pick.ts'
import { hasDuplicates, strictObject } from './strict-json.ts'
import { requestOf } from './testing.ts'
import { duration, formatTime, parseTime } from './time.ts'
import { splitUrl, viewOf } from './view.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('bodies', () => {
  it.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['', '[1]', [1]],
    ['text/plain', '{"a":1}', { a: 1 }],
    ['application/json', 'not JSON', undefined],
    ['application/json', '', undefined],
    ['application/x-www-form-urlencoded', 'a=1&b=%20&a=2', { a: '1', b: ' ' }],
    ['Application/X-WWW-Form-Urlencoded; charset=utf-8', 'payload=%7B%22a%22%3A1%7D', { a: 1 }],
    ['application/x-www-form-urlencoded', 'payload=x', { payload: 'x' }],
  ])('of %s %j are parsed', (type, text, expected) => {
    expect(parseBody(type, bytes(text))).toEqual(expected)
  })

  it('hold no prototype that a form could set', () => {
    const form = parseBody('application/x-www-form-urlencoded', bytes('__proto__=1&constructor=2'))
    expect(Object.getPrototypeOf(form)).toBeNull()
    expect(valueAt(form, '__proto__')).toBe('1')
    expect(valueAt({}, '__proto__')).toBeUndefined()
    expect(valueAt({}, 'constructor.name')).toBeUndefined()
  })

  it('are searched by path, with * for each item', () => {
    const body = { a: [{ b: 1 }, { b: 'x' }, {}, { b: { c: 1 } }], d: null, e: false }
    expect(valuesAt(body, 'a.*.b')).toEqual(['1', 'x'])
    expect(valuesAt(body, 'a.0.b')).toEqual(['1'])
    expect(valuesAt(body, 'd')).toEqual([])
    expect(valuesAt(body, 'e')).toEqual(['false'])
    expect(valuesAt(body, 'e.*')).toEqual([])
    expect(valuesAt('text', 'length')).toEqual([])
    expect(
      valuesAt(
        Array.from({ length: 5_000 }, (_, i) => i),
        '*',
      ),
    ).toHaveLength(1_000)
  })

  it('are rewritten where told', () => {
    const out = rewritten(bytes('{"a":{"b":1}}'), { 'a.c': 2, 'x.y': 3 })
    expect(JSON.parse(Buffer.from(out).toString())).toEqual({ a: { b: 1, c: 2 }, x: { y: 3 } })
  })
})

describe('strict JSON', () => {
  it('tells duplicates however they are spelled, and nothing else', () => {
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":2}',
      '[{"x":{"b":[],"b":{}}}]',
      '{"":1,"":2}',
    ])
      expect(hasDuplicates(text)).toBe(true)
    for (const text of [
      '{"a":{"a":1},"b":["a","a"]}',
      '[]',
      '"a"',
      '{"a":"\\"a\\":1,"}',
      '{"a":"b","b":"a"}',
    ])
      expect(hasDuplicates(text)).toBe(false)
  })

  it('agrees with the parser on anything that it writes', () => {
    fc.assert(fc.property(fc.json(), (text) => !hasDuplicates(JSON.stringify(JSON.parse(text)))))
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
        const [name = ''] = Object.keys(value)
        const text = JSON.stringify(value)
        return hasDuplicates(`${text.slice(0, -1)},${JSON.stringify(name)}:0}`)
      }),
    )
  })

  it('takes objects alone, in plain UTF-8', () => {
    expect(strictObject(bytes('{"a":1}'))).toEqual({ a: 1 })
    for (const text of ['[]', '1', 'null', '', '\ufeff{}', '{"a":1,"a":1}'])
      expect(strictObject(bytes(text))).toBeUndefined()
    expect(strictObject(Uint8Array.from([0x7b, 0xff, 0x7d]))).toBeUndefined()
    const deep = (depth: number) => bytes(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)
    expect(strictObject(deep(100))).toBeDefined()
    expect(strictObject(deep(20_000))).toBeUndefined()
  })
})

describe('encodings', () => {
  it('read what their own encoder writes, and only that', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1 }),
        fc.constantFrom('hex', 'base64', 'base64url'),
        (data, encoding) => {
          const text = Buffer.from(data).toString(encoding as BufferEncoding)
          const back = decode(text, encoding as 'hex')
          return back !== undefined && Buffer.from(back).equals(Buffer.from(data))
        },
      ),
    )
    for (const text of ['', 'AA', 'AA=', 'AB==', 'A A=', 'AA==\n', 'AA-_'])
      expect(decode(text, 'base64')).toBeUndefined()
    for (const text of ['', 'a', 'zz', 'ab ', '0xab']) expect(decode(text, 'hex')).toBeUndefined()
  })
})

describe('times', () => {
  it('go out as they come in', () => {
    for (const unit of ['s', 'ms', 'rfc3339'] as const)
      expect(parseTime(formatTime(1_760_000_000_000, unit), unit)).toBe(1_760_000_000_000)
    expect(parseTime('2020-01-01T00:00:00-07:00', 'rfc3339')).toBe(1_577_862_000_000)
    for (const text of [
      '2020-01-01',
      '2020-01-01 00:00:00Z',
      '2020-13-01T00:00:00Z',
      '1577862000',
      ' 2020-01-01T00:00:00Z',
    ])
      expect(parseTime(text, 'rfc3339')).toBeUndefined()
  })

  it('last as durations say', () => {
    expect(['250ms', '5s', '10m', '24h', '7d'].map((each) => duration.parse(each))).toEqual([
      250, 5_000, 600_000, 86_400_000, 604_800_000,
    ])
    for (const text of ['', '5', '0s', '-5s', '1.5h', '5 s', '5w', 0, -1, 300])
      expect(duration.safeParse(text).success).toBe(false)
  })
})

describe('ids and types', () => {
  it('are fit for keys, headers and screens', () => {
    expect(idOf('evt_1')).toBe('evt_1')
    for (const odd of ['a b', 'a\r\nb', 'ü', 'x'.repeat(201)])
      expect(idOf(odd)).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(typeOf('a\r\nb\u001b[31m ü')).toBe('a__b_[31m__')
    expect(typeOf('x'.repeat(500))).toHaveLength(120)
  })

  it('are picked as told', () => {
    const view = viewOf(
      requestOf({
        headers: { 'X-A': 'a', 'Content-Type': 'application/json' },
        body: '{"b":"b","n":1}',
      }),
    )
    const a = { header: 'x-a' }
    const b = { body: 'b' }
    const none = { body: 'none' }
    expect(pick({ join: [a, none, b] }, view, {})).toBe('a.b')
    expect(pick({ join: [a, none], every: true }, view, {})).toBeUndefined()
    expect(pick({ first: [none, { proven: 'id' }, b] }, view, { id: 'p' })).toBe('p')
    expect(pick({ map: { body: 'n' }, to: { '1': 'one' } }, view, {})).toBe('one')
    expect(pick({ map: { text: 'constructor' }, to: {} }, view, {})).toBeUndefined()
  })
})

it('an address is split as it is written', () => {
  expect(splitUrl('https://h.example/a%20b?x=%27&y')).toEqual({ path: '/a%20b', query: 'x=%27&y' })
  expect(splitUrl('https://h.example')).toEqual({ path: '/', query: '' })
  expect(splitUrl('https://h.example?x')).toEqual({ path: '/', query: 'x' })
  expect(splitUrl('https://h.example/a#b?c')).toEqual({ path: '/a', query: '' })
})

it('the nearest name is near', () => {
  const names = ['github', 'gitlab', 'slack']
  expect(nearest('gitub', names)).toBe('github')
  expect(nearest('GITLAB', names)).toBe('gitlab')
  expect(nearest('kafka-connect', names)).toBeUndefined()
  expect(nearest('', names)).toBeUndefined()
})
