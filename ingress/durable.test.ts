import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSpool, type Spool } from './index.ts'
import { genuineHeaders, makeSource } from './testing/fakes.ts'
import { post, problemOf, type Started, startIngress } from './testing/harness.ts'

let dir: string
let spool: Spool
let started: Started
const begin = async (over: Parameters<typeof makeSource>[0] = {}, maxBytes?: number) => {
  spool = await openSpool({ dir, ...(maxBytes === undefined ? {} : { maxBytes }) })
  started = await startIngress([makeSource(over)], { spool })
}
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'zenhook-ingress-'))
})
afterEach(async () => {
  await started.close()
  await rm(dir, { recursive: true, force: true })
})

const send = async (n: number, delivery = `d-${n}`) => {
  const body = `{"n":${n}}`
  const response = await post(`${started.url}/in/acme/github`, body, genuineHeaders(body, delivery))
  return { status: response.status, response }
}

describe('while the log is away', () => {
  it('events are answered 202 from the spool, and are in the log once it is back', async () => {
    await begin()
    started.log.mode = 'lost'
    const startedAt = performance.now()
    const first = await send(0)
    expect(first.status).toBe(202)
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    const ids = new Set<string>()
    ids.add(((await first.response.json()) as { id: string }).id)
    const quick = performance.now()
    for (let n = 1; n < 20; n += 1) {
      const { status, response } = await send(n)
      expect(status).toBe(202)
      ids.add(((await response.json()) as { id: string }).id)
    }
    expect(performance.now() - quick).toBeLessThan(1_500)
    // A copy of what the spool holds is known.
    expect(await (await send(3)).response.json()).toMatchObject({ duplicate: true })
    started.log.mode = 'ok'
    // One group is under way into nowhere for as long as the drain gives it.
    await expect.poll(() => spool.stats().records, { timeout: 18_000, interval: 200 }).toBe(0)
    const found = new Set((await started.stored()).map(({ headers }) => headers.id))
    expect([...ids].filter((id) => !found.has(id))).toEqual([])
    expect(ids.size).toBe(20)
  })

  it('and the spool is full, events are 503 and may come again', async () => {
    await begin({}, 3_000)
    started.log.mode = 'reject'
    const statuses: number[] = []
    for (let n = 0; n < 12; n += 1) {
      const { status, response } = await send(n)
      statuses.push(status)
      if (status !== 503) continue
      expect(response.headers.get('retry-after')).toBe('5')
      expect(await problemOf(response)).toMatchObject({ code: 'ZENHOOK_INGRESS_UNAVAILABLE' })
    }
    expect(statuses[0]).toBe(202)
    const refused = statuses.lastIndexOf(503)
    expect(refused).toBeGreaterThan(0)
    started.log.mode = 'ok'
    await expect.poll(() => spool.stats().records, { timeout: 8_000 }).toBe(0)
    const again = await send(refused)
    expect(again.status).toBe(202)
    expect(await again.response.json()).not.toHaveProperty('duplicate')
  })

  it('a record over the limit of the log is 413, and its nonce is not spent', async () => {
    await begin()
    started.log.mode = 'too-large'
    expect((await send(1)).status).toBe(413)
    started.log.mode = 'ok'
    expect(await (await send(1)).response.json()).not.toHaveProperty('duplicate')
  })
})

describe('while the state store is away', () => {
  it('a source that accepts is answered 202, and its record says what was not checked', async () => {
    await begin()
    started.kv.mode = 'hang'
    const startedAt = performance.now()
    expect((await send(1)).status).toBe(202)
    expect(performance.now() - startedAt).toBeLessThan(500)
    expect((await started.stored())[0]?.headers).toMatchObject({ replay: 'unchecked' })
  })

  it('a strict source is answered 503, and nothing is stored', async () => {
    await begin({ replay: 'strict' })
    started.kv.mode = 'reject'
    const { status, response } = await send(1)
    expect(status).toBe(503)
    expect(await problemOf(response)).toMatchObject({ code: 'ZENHOOK_INGRESS_REPLAY_UNCHECKED' })
    expect(await started.stored()).toEqual([])
  })
})
