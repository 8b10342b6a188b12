import { describe, expect, it } from 'vitest'
import { createBins, parseKnobs } from './store.ts'

const message = (size = 10) => ({ method: 'POST', headers: {}, body: new Uint8Array(size) })

describe('bins', () => {
  it('have random ids, and keep what they get in order', () => {
    const bins = createBins()
    const [one, other] = [bins.create(), bins.create()]
    expect(one).toMatch(/^[A-Za-z0-9_-]{16}$/)
    expect(one).not.toBe(other)
    bins.put(one, message(1))
    bins.put(one, message(2))
    expect(bins.requests(one)?.map(({ number, size }) => [number, size])).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(bins.requests(other)).toEqual([])
    expect(bins.put('unknown', message())).toBeUndefined()
    expect(bins.requests('unknown')).toBeUndefined()
  })

  it('are the same for a label until they gave way', () => {
    const bins = createBins({ maxBins: 2 })
    const mine = bins.named('acme/seen')
    expect(bins.named('acme/seen')).toBe(mine)
    bins.create()
    bins.create()
    expect(bins.has(mine)).toBe(false)
    expect(bins.named('acme/seen')).not.toBe(mine)
  })

  it('are capped in number, requests, bytes and delay', () => {
    const bins = createBins({ maxRequests: 3, maxBytes: 4_000, maxBody: 1_000, maxDelayMs: 50 })
    const [one, other] = [bins.create(), bins.create()]
    for (let i = 0; i < 5; i += 1) bins.put(one, message())
    expect(bins.requests(one)?.map(({ number }) => number)).toEqual([3, 4, 5])
    for (let i = 0; i < 3; i += 1) bins.put(other, message(9_000))
    expect(bins.requests(one)).toEqual([])
    expect(bins.requests(other)?.map(({ size, body }) => [size, body.length])).toEqual([
      [9_000, 1_000],
      [9_000, 1_000],
    ])
    expect(bins.put(one, message(), { delayMs: 99_999 })).toEqual({ status: 200, delayMs: 50 })
    expect(bins.clear(one)).toBe(true)
    expect(bins.requests(one)).toEqual([])
  })

  it('answer as their knobs say', () => {
    const bins = createBins()
    const id = bins.create()
    bins.setAnswer(id, { status: 503 })
    expect(bins.put(id, message())).toEqual({ status: 503, delayMs: 0 })
    expect(bins.put(id, message(), { status: 201 })).toEqual({ status: 201, delayMs: 0 })
  })

  it.each([
    ['status=503&delay=2000', { status: 503, delayMs: 2000 }],
    ['status=99', {}],
    ['status=1e3&delay=-1', {}],
    ['status=abc', {}],
    ['', {}],
  ])('read the knobs %s', (query, expected) =>
    expect(parseKnobs(new URLSearchParams(query))).toEqual(expected),
  )
})
