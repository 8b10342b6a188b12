import { afterEach, describe, expect, it } from 'vitest'
import { createBreaker } from './breaker.ts'
import { createNonces } from './nonce.ts'
import { makeKv, makeSource, secret } from './testing/fakes.ts'
import { type Started, startIngress } from './testing/harness.ts'
import { createUuidV7 } from './uuid.ts'
import { presetNamed, signRequest } from './verifiers/index.ts'

const minute = 60_000

let started: Started | undefined
afterEach(async () => {
  await started?.close()
  started = undefined
})

/** A request of Slack, which signs the time it was sent at: five minutes either way are genuine. */
const send = async (url: string, n: number): Promise<Response> => {
  const { method, headers, body } = signRequest(presetNamed('slack'), {
    secret,
    body: JSON.stringify({
      type: 'event_callback',
      event_id: `Ev${n}`,
      event: { type: 'message' },
    }),
    headers: { 'content-type': 'application/json' },
    url,
    now: Date.now(),
  })
  return fetch(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    body: new Uint8Array(body),
  })
}

describe('F31: a clock that jumps', () => {
  it('F31: strobing within the tolerance refuses nobody, and ids only grow', async () => {
    let offset = 0
    started = await startIngress([makeSource({ name: 'slack', provider: 'slack' })], {
      now: () => Date.now() + offset,
    })
    const url = `${started.url}/in/acme/slack`
    const ids: string[] = []
    for (let n = 0; n < 60; n += 1) {
      offset = [0, 4.5 * minute, -4.5 * minute, 2 * minute, -1 * minute][n % 5] ?? 0
      const answer = await send(url, n)
      expect({ n, status: answer.status }).toEqual({ n, status: 202 })
      ids.push(((await answer.json()) as { id: string }).id)
    }
    expect(new Set(ids).size).toBe(60)
    expect(ids).toEqual([...ids].sort())
  })

  it('F31: beyond it the senders are refused as stale, and at once accepted when the clock is set', async () => {
    let offset = 0
    started = await startIngress([makeSource({ name: 'slack', provider: 'slack' })], {
      now: () => Date.now() + offset,
    })
    const url = `${started.url}/in/acme/slack`
    const statuses: number[] = []
    for (const [n, wrong] of [10, -10, 60, 0, 10, 0].entries()) {
      offset = wrong * minute
      statuses.push((await send(url, 100 + n)).status)
    }
    expect(statuses).toEqual([401, 401, 401, 202, 401, 202])
  })

  it('F31: a step back does not hold a breaker open, nor one forward close it', async () => {
    const realNow = Date.now
    try {
      const breaker = createBreaker({ callMs: 20, failures: 2, openMs: 300 })
      const fail = () => Promise.reject(new Error('away'))
      await breaker.ask(fail)
      await breaker.ask(fail)
      Date.now = () => realNow() + 60 * minute
      expect(await breaker.ask(async () => 'too soon')).toBeUndefined()
      Date.now = () => realNow() - 60 * minute
      await expect.poll(() => breaker.ask(async () => 'there'), { timeout: 5_000 }).toBe('there')
    } finally {
      Date.now = realNow
    }
  })

  it('F31: what was stored stays known over steps of the clock either way', async () => {
    const kv = makeKv()
    let at = 1_000_000_000
    const nonces = createNonces({ kv: kv.kv, now: () => at })
    const request = (eventId: string) => ({
      ...{ tenant: 'acme', source: 's', nonce: 'n', eventId, bodyDigest: 'b', receivedAt: at },
      ...{ reserveMs: 1_000, lifeMs: 30 * minute, waitMs: 100 },
    })
    const first = await nonces.begin(request('e1'))
    if (first.kind !== 'turn') throw new Error('not a turn')
    await first.confirm()
    for (const step of [10 * minute, -20 * minute, 15 * minute]) {
      at += step
      expect(await nonces.begin(request('e2'))).toMatchObject({ kind: 'stored', id: 'e1' })
    }
  })

  it('F31: ids of one process grow through a leap, a step back and a stopped clock', () => {
    let at = 1_760_000_000_000
    const mint = createUuidV7(() => at)
    const ids: string[] = []
    for (const step of [0, 0, 1, -1_000, -10 * minute, 1, 20 * minute, 0, -1]) {
      at += step
      for (let n = 0; n < 5_000; n += 1) ids.push(mint())
    }
    expect(ids.every((id, n) => n === 0 || id > (ids[n - 1] ?? ''))).toBe(true)
  })
})
