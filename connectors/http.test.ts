import { describe, expect, it } from 'vitest'
import { excerptOf, parseRetryAfter } from './http.ts'

const now = Date.parse('2026-01-01T00:00:00Z')

describe('parseRetryAfter', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['1.5', 1500],
    ['+3', 3000],
    ['-5', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Thursday, 01-Jan-2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['315360000', 315_360_000_000],
    ['soon', undefined],
    ['', undefined],
    ['1e9', undefined],
    ['12 minutes', undefined],
    ['2026', 2_026_000],
    ['NaN', undefined],
    [undefined, undefined],
  ])('reads %s as %s', (value, expected) => expect(parseRetryAfter(value, now)).toBe(expected))

  it('stays a safe number whatever it is given', () => {
    expect(Number.isSafeInteger(parseRetryAfter('9'.repeat(300), now))).toBe(true)
  })
})

describe('excerptOf', () => {
  it('is short and has no control characters', () => {
    const body = new TextEncoder().encode(`a\r\nb\u001b[31m${'x'.repeat(500)}`)
    expect(excerptOf(body)).toMatch(/^a b \[31mx{1,200}…$/)
  })

  it('says where it was cut, and only there', () => {
    const excerpt = (text: string) => excerptOf(new TextEncoder().encode(text), 5)
    expect(excerpt('12345')).toBe('12345')
    expect(excerpt('\r\n 12\r\n\r\n45')).toBe('12 45')
    expect(excerpt('123456')).toBe('1234…')
    expect(excerpt('äöüäöü')).toBe('äöüä…')
  })
})
