import { describe, expect, it } from 'vitest'
import { createBins } from './store.ts'

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
    expect(bins.requests(mine)).toBeUndefined()
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
  })

  it('are bounded in number however they are made', () => {
    const bins = createBins({ maxBins: 3 })
    const made = [
      ...Array.from({ length: 5 }, () => bins.create()),
      ...['acme/a', 'acme/b'].map((label) => bins.putInBin({ label }, message())),
      ...['configured-1', 'configured-2'].map((id) => bins.putInBin({ id, label: 'x' }, message())),
    ]
    // Of the empty ones the newest, and those that are used, the latest.
    const there = made.filter((id) => bins.requests(id) !== undefined)
    expect(there).toEqual([made[4], ...made.slice(-2)])
  })

  it('leave a few empty ones beside those that are used', () => {
    const bins = createBins({ maxBins: 3 })
    const request = { method: 'POST', headers: {}, body: new Uint8Array() }
    for (let n = 0; n < 3; n += 1) bins.put(bins.create(), request)
    const made = [bins.create(), bins.create()]
    expect(made.map((id) => bins.requests(id)?.length)).toEqual([0, 0])
  })

  it('give way empty ones first', () => {
    const bins = createBins()
    const mine = bins.create()
    bins.put(mine, message())
    const empty = Array.from({ length: 100 }, () => bins.create())
    expect(bins.requests(mine)).toHaveLength(1)
    expect(empty.filter((id) => bins.requests(id) === undefined)).toEqual(empty.slice(0, 1))
  })

  it('are made on first use where a destination names one', () => {
    const bins = createBins()
    expect(bins.putInBin({ id: 'configured-1', label: 'acme/seen' }, message())).toBe(
      'configured-1',
    )
    bins.putInBin({ id: 'configured-1', label: 'acme/other' }, message())
    expect(bins.requests('configured-1')?.map(({ number }) => number)).toEqual([1, 2])
  })

  it('answer as the knobs of a request say', () => {
    const bins = createBins()
    const id = bins.create()
    expect(bins.put(id, message(), { status: 503 })).toEqual({ status: 503, delayMs: 0 })
    expect(bins.put(id, message())).toEqual({ status: 200, delayMs: 0 })
  })
})
