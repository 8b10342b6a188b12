import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { Source } from '../../core/registry/types.ts'
import { collectGarbage } from '../../test/garbage.ts'
import { genuineHeaders, makeSource } from '../testing/fakes.ts'
import { post, problemOf, type Started, startIngress } from '../testing/harness.ts'

const open: Started[] = []
afterEach(async () => {
  for (const started of open.splice(0)) await started.close()
})
const start = async (over: Partial<Source>): Promise<Started> => {
  const started = await startIngress([makeSource(over)])
  open.push(started)
  return started
}

const text = JSON.stringify({ action: 'opened', text: 'x'.repeat(5_000) })
const coders = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync }
type Name = keyof typeof coders
const all = Object.entries(coders) as [Name, (typeof coders)[Name]][]

/** 128 MB of nothing, compressed. */
const bombs = new Map(all.map(([name, code]) => [name, code(Buffer.alloc(128_000_000))]))

const send = (
  { url }: Started,
  body: Uint8Array,
  signed: Uint8Array | string,
  coding: string,
): Promise<Response> =>
  post(`${url}/in/acme/github`, body, { ...genuineHeaders(signed), 'content-encoding': coding })

describe.each(['sent', 'decoded'] as const)('bodies whose bytes are signed as %s', (mode) => {
  it.each(all)('F76: %s is taken, read and stored decoded', async (coding, code) => {
    const started = await start({ contentEncoding: mode })
    const body = code(text)
    expect((await send(started, body, mode === 'sent' ? body : text, coding)).status).toBe(202)
    // The other bytes prove nothing.
    expect((await send(started, body, mode === 'sent' ? text : body, coding)).status).toBe(401)
    const [record, ...others] = await started.stored()
    expect(others).toEqual([])
    const event = await started.codec.decode('event', record?.value ?? new Uint8Array())
    expect(new TextDecoder().decode(event.raw)).toBe(text)
    expect(event.type).toBe('push.opened')
  })

  it.each(all)('F76: a bomb of %s is 413, and costs no more than four limits', async (coding) => {
    const limit = 16_000_000
    const started = await start({ contentEncoding: mode, maxBody: limit })
    const body = bombs.get(coding) ?? Buffer.alloc(0)
    expect(body.length).toBeGreaterThan(0)
    expect(body.length).toBeLessThan(limit)
    const signed = mode === 'sent' ? body : 'nobody gets as far as this'
    const costs: number[] = []
    for (let n = 0; n < 20; n += 1) {
      // What earlier ones left behind is no cost of this one; the first is measured like the others.
      collectGarbage()
      const before = process.memoryUsage().rss
      let peak = before
      const watch = setInterval(() => {
        peak = Math.max(peak, process.memoryUsage().rss)
      }, 2)
      const answer = send(started, body, signed, coding).finally(() => clearInterval(watch))
      expect((await answer).status).toBe(413)
      costs.push(peak - before)
    }
    const most = Math.max(...costs)
    console.info(`F76: ${coding}, ${mode}: ${(most / 1e6).toFixed(1)} MB more`)
    expect(most).toBeLessThan(4 * limit)
    expect(await started.stored()).toEqual([])
  })

  it.each([
    ['truncated', 'gzip', gzipSync(text).subarray(0, -9), 400],
    ['of another coding', 'br', gzipSync(text), 400],
    ['not compressed at all', 'gzip', Buffer.from(text), 400],
    ['empty', 'gzip', Buffer.alloc(0), 400],
    ['coded twice', 'gzip, gzip', gzipSync(gzipSync(text)), 415],
    ['of a coding that nobody knows', 'zstd', Buffer.from(text), 415],
    ['of a coding that is no name', '__proto__', Buffer.from(text), 415],
  ])('F76: a body %s is refused', async (_, coding, body, status) => {
    const started = await start({ contentEncoding: mode })
    const response = await send(started, body, mode === 'sent' ? body : text, coding)
    expect(response.status).toBe(status)
    if (status === 415)
      expect(response.headers.get('accept-encoding')).toBe('identity, gzip, deflate, br')
    await problemOf(response)
    expect(await started.stored()).toEqual([])
  })
})

describe('bodies of a source that says nothing of codings', () => {
  it('F76: are refused with 415 before they are read', async () => {
    const started = await start({})
    const body = gzipSync(text)
    const response = await send(started, body, body, 'gzip')
    expect(response.status).toBe(415)
    expect(response.headers.get('accept-encoding')).toBe('identity')
  })

  it('F76: said to be identity are what they are', async () => {
    const started = await start({})
    expect((await send(started, Buffer.from(text), text, 'Identity')).status).toBe(202)
  })
})
