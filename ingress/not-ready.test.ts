import { afterEach, describe, expect, it } from 'vitest'
import type { Source } from '../core/registry/types.ts'
import { genuineHeaders, makeSnapshot, makeSource } from './testing/fakes.ts'
import { type Over, post, problemOf, type Started, startIngress } from './testing/harness.ts'

let started: Started
const start = async (sources: readonly Source[], over: Over): Promise<Started> => {
  started = await startIngress(sources, over)
  return started
}
afterEach(() => started.close())

describe('requests before the configuration is known', () => {
  it('are 503 without a snapshot, never 404', async () => {
    const { url } = await start([], {
      registry: {
        snapshot: () => {
          throw new Error('nobody answers at 10.0.0.7:9092')
        },
        caughtUp: () => false,
      },
    })
    const response = await post(`${url}/in/acme/github`, '{}')
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await problemOf(response)).toMatchObject({ code: 'ZENHOOK_INGRESS_NOT_READY' })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const ready = await fetch(`${url}/readyz?verbose`)
    expect(ready.status).toBe(503)
    // Strangers see it: which part is not ready, and nothing of where or why.
    expect(await ready.json()).toEqual({
      status: 'unavailable',
      checks: [{ name: 'registry', ok: false }],
    })
  })

  it('of a source that a snapshot from disk may lack are 503 until the log is read, and 404 then', async () => {
    let caughtUp = false
    const { url, stored } = await start([makeSource()], {
      registry: { snapshot: () => makeSnapshot([makeSource()]), caughtUp: () => caughtUp },
      failures: { perSecond: 0.01, burst: 1 },
    })
    const body = '{"n":1}'
    for (const method of ['POST', 'POST', 'GET']) {
      const early = await fetch(`${url}/in/acme/new`, {
        method,
        ...(method === 'POST' ? { body, headers: genuineHeaders(body) } : {}),
      })
      expect(early.status).toBe(503)
      expect(early.headers.get('retry-after')).toBe('2')
      expect(await problemOf(early)).toMatchObject({ code: 'ZENHOOK_INGRESS_NOT_READY' })
    }
    // What the snapshot knows is taken meanwhile.
    expect((await post(`${url}/in/acme/github`, body, genuineHeaders(body))).status).toBe(202)
    expect(await stored()).toHaveLength(1)
    caughtUp = true
    expect((await post(`${url}/in/acme/new`, body, genuineHeaders(body))).status).toBe(404)
  })
})
