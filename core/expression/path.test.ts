import { describe, expect, test } from 'vitest'
import { isZenhookError } from '../errors/index.ts'
import { compilePath, getPath, getPathText } from './path.ts'

const value = JSON.parse(
  '{"a":{"b":[{"c":1},{"c":null}],"odd key":{"x":true},"q\\"":"quoted"},"n":0,"__proto__":{"own":"yes"}}',
)

describe('paths', () => {
  test.each([
    ['a.b[0].c', 1],
    ['a.b[1].c', null],
    ['a["odd key"].x', true],
    ['a["q\\""]', 'quoted'],
    ['["a"].b[0]', { c: 1 }],
    ['n', 0],
    ['a.b[2].c', undefined],
    ['a.b.c', undefined],
    ['a.b.length', undefined],
    ['a[0]', undefined],
    ['constructor', undefined],
    ['a.constructor.name', undefined],
    ['a.b.map', undefined],
    ['__proto__.own', 'yes'],
    ['a.__proto__', undefined],
    ['n.toFixed', undefined],
  ])('%s', (source, expected) => {
    expect(getPath(value, compilePath(source))).toEqual(expected)
  })

  test.each([null, undefined, 5, 'text', []])('of %j is nothing', (nothing) => {
    expect(getPath(nothing, compilePath('a.b'))).toBeUndefined()
  })

  test.each([
    ['', 0],
    ['.a', 0],
    ['a.', 1],
    ['a..b', 1],
    ['a[', 1],
    ['a[x]', 1],
    ['a[-1]', 1],
    ['a b', 1],
    ['$.a["]', 3],
    ['a'.repeat(513), 512],
    [Array(65).fill('a').join('.'), 127],
  ])('%j is refused', (source, offset) => {
    try {
      compilePath(source)
    } catch (error) {
      expect(isZenhookError(error) && [error.code, error.details.offset]).toEqual([
        'ZENHOOK_CONFIG_BAD_PATH',
        offset,
      ])
      return
    }
    throw new Error('the path was accepted')
  })

  test('as text only where it is one value', () => {
    expect(getPathText(value, compilePath('n'))).toBe('0')
    expect(getPathText(value, compilePath('a["odd key"].x'))).toBe('true')
    expect(getPathText(value, compilePath('a'))).toBeUndefined()
    expect(getPathText(value, compilePath('a.b[1].c'))).toBeUndefined()
  })
})
