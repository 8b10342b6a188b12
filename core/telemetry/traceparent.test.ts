import { describe, expect, it } from 'vitest'
import { childTraceparent, newTraceparent, parseTraceparent } from './traceparent.ts'

describe('traceparent', () => {
  it('is new each time, also over many', () => {
    const made = Array.from({ length: 2_000 }, newTraceparent)
    expect(new Set(made).size).toBe(2_000)
    for (const header of made) expect(parseTraceparent(header)).toBeDefined()
  })

  it('keeps the trace and its flags over a hop, under a new span', () => {
    const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'
    const child = parseTraceparent(childTraceparent(parent))
    expect(child).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', flags: '00' })
    expect(child?.spanId).not.toBe('00f067aa0ba902b7')
  })

  it.each([
    undefined,
    '',
    'nonsense',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
  ])('starts a new trace where the header is %s', (header) => {
    expect(parseTraceparent(header)).toBeUndefined()
    expect(parseTraceparent(childTraceparent(header))).toBeDefined()
  })
})
