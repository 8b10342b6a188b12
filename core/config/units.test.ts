import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nearest } from './nearest.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

describe('units', () => {
  test.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })
  test.each(['', '5', 's', '5 s', '-5s', '1.5h', '5S', '5s ', '1e3s', '9999999999s'])(
    '%j is no duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )
  test.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['1GiB', 1_073_741_824],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })
  test.each(['', '1', '1MB', '1mib', '1 MiB', '-1B', '1.5MiB'])('%j is no size', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })

  test('what is formatted reads back as it was', () => {
    expect(formatDuration(0)).toBe('0ms')
    expect(formatDuration(90_000)).toBe('90s')
    expect(formatSize(1_048_576)).toBe('1MiB')
    fc.assert(
      fc.property(fc.nat(900_000_000), (value) => {
        expect(parseDuration(formatDuration(value))).toBe(value)
        expect(parseSize(formatSize(value))).toBe(value)
      }),
    )
  })
})

describe('nearest', () => {
  test.each([
    ['gihtub', 'github'],
    ['slak', 'slack'],
    ['windw', 'window'],
    ['SOURCES', 'sources'],
    ['zzz', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%j is %s', (word, expected) => {
    expect(nearest(word, ['github', 'gitlab', 'slack', 'window', 'sources'])).toBe(expected)
  })
})
