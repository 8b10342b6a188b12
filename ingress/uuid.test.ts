import { describe, expect, it } from 'vitest'
import { createUuidV7 } from './uuid.ts'

describe('createUuidV7', () => {
  it('follows RFC 9562: time, version and variant', () => {
    const at = 0x017f22e279b0
    const id = createUuidV7(
      () => at,
      (bytes) => bytes.fill(0xff),
    )()
    expect(id).toBe('017f22e2-79b0-77ff-bfff-ffffffffffff')
  })

  it('only grows: within a millisecond, past the counter, and when the clock steps back', () => {
    let at = 1_700_000_000_000
    const next = createUuidV7(() => at)
    const ids = Array.from({ length: 10_000 }, () => next())
    at -= 60_000
    ids.push(next())
    at += 120_000
    ids.push(next())
    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })
})
