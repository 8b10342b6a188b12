import { describe, expect, it } from 'vitest'
import { failed, isTableMissing } from './failure.ts'

const code = (of: number | undefined, statement?: 'insert' | 'query') =>
  failed(of, new Error('said the engine'), statement).code

describe('what an engine refuses', () => {
  it.each([6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 376, 441, 469])(
    'of an insert is the fault of its rows: %i',
    (of) => {
      expect(failed(of, new Error('x'), 'insert')).toMatchObject({
        code: 'ZENHOOK_DECISIONS_QUERY_FAILED',
        retriable: false,
      })
    },
  )

  it.each([undefined, 60, 75, 81, 201, 243, 252, 497, 516, 1_001, 9_999])(
    'of an insert is no fault of its rows, and passes: %s',
    (of) => {
      expect(failed(of, new Error('x'), 'insert')).toMatchObject({
        code: 'ZENHOOK_DECISIONS_UNAVAILABLE',
        retriable: true,
      })
    },
  )

  it('of a statement is its own fault, but for an engine that cannot work now', () => {
    for (const statement of ['query', undefined] as const) {
      expect(code(47, statement)).toBe('ZENHOOK_DECISIONS_QUERY_FAILED')
      expect(code(60, statement)).toBe('ZENHOOK_DECISIONS_QUERY_FAILED')
      expect(code(210, statement)).toBe('ZENHOOK_DECISIONS_UNAVAILABLE')
      expect(code(undefined, statement)).toBe('ZENHOOK_DECISIONS_UNAVAILABLE')
    }
    expect(code(241, 'query')).toBe('ZENHOOK_DECISIONS_QUERY_FAILED')
    expect(code(241)).toBe('ZENHOOK_DECISIONS_UNAVAILABLE')
  })

  it('tells of tables that are not there', () => {
    const missing = [60, 81, 497, undefined].map((of) =>
      isTableMissing(failed(of, new Error('x'), 'insert')),
    )
    expect(missing).toEqual([true, true, false, false])
  })
})
