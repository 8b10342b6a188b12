import { beforeEach, describe, expect, it } from 'vitest'
import type { Kv } from '../core/kv/port.ts'
import { createNonces, type NonceRequest } from './nonce.ts'
import { makeKv } from './testing/fakes.ts'

const request = (over: Partial<NonceRequest> = {}): NonceRequest => ({
  tenant: 'acme',
  source: 'github',
  nonce: 'n',
  eventId: 'e1',
  bodyDigest: 'b1',
  receivedAt: 1,
  reserveMs: 300,
  lifeMs: 10_000,
  waitMs: 150,
  ...over,
})

let kv: ReturnType<typeof makeKv>
beforeEach(() => {
  kv = makeKv()
})
/** Another process: the same state store, and a memory of its own. */
const process = () => createNonces({ kv: kv.kv })

const turnOf = async (begun: ReturnType<ReturnType<typeof process>['begin']>) => {
  const result = await begun
  if (result.kind !== 'turn') throw new Error('not a turn')
  return result
}

describe.each([
  ['in one process', false],
  ['over two processes', true],
])('nonces %s', (_, apart) => {
  const pair = () => {
    const first = process()
    return [first, apart ? process() : first] as const
  }

  it('are spent once confirmed', async () => {
    const [a, b] = pair()
    await (await turnOf(a.begin(request()))).confirm()
    expect(await b.begin(request({ eventId: 'e2', bodyDigest: 'b2' }))).toEqual({
      kind: 'stored',
      id: 'e1',
      bodyDigest: 'b1',
      receivedAt: 1,
      ...(apart ? {} : { until: expect.any(Number) }),
    })
    expect(await b.begin(request({ tenant: 'globex' }))).toMatchObject({ kind: 'turn' })
    expect(await b.begin(request({ source: 'other' }))).toMatchObject({ kind: 'turn' })
  })

  it('make a second request wait for the first one', async () => {
    const [a, b] = pair()
    const turn = await turnOf(a.begin(request()))
    const second = b.begin(request({ eventId: 'e2' }))
    await new Promise((resolve) => setTimeout(resolve, 40))
    await turn.confirm()
    expect(await second).toMatchObject({ kind: 'stored', id: 'e1' })
  })

  it('pass to the second request when the first is surely not stored', async () => {
    const [a, b] = pair()
    const turn = await turnOf(a.begin(request()))
    const second = turnOf(b.begin(request({ eventId: 'e2', waitMs: 1_000 })))
    await turn.release()
    const startedAt = performance.now()
    expect((await second).checked).toBe(true)
    expect(performance.now() - startedAt).toBeLessThan(200)
  })

  it('let the second append at its own deadline while the first is open', async () => {
    const [a, b] = pair()
    await turnOf(a.begin(request({ reserveMs: 10_000 })))
    const startedAt = performance.now()
    const second = await turnOf(b.begin(request({ eventId: 'e2' })))
    expect(performance.now() - startedAt).toBeLessThan(400)
    expect(performance.now() - startedAt).toBeGreaterThan(90)
    await second.confirm()
    expect(await process().begin(request({ eventId: 'e3', waitMs: 0 }))).toBeDefined()
  })

  it('are not held by one whose outcome nobody knows beyond its reservation', async () => {
    const [a, b] = pair()
    ;(await turnOf(a.begin(request()))).abandon()
    const startedAt = performance.now()
    const second = await turnOf(b.begin(request({ eventId: 'e2', waitMs: 2_000 })))
    expect(performance.now() - startedAt).toBeGreaterThan(200)
    await second.confirm()
    expect(await process().begin(request({ eventId: 'e3' }))).toMatchObject({ id: 'e2' })
  })
})

describe('nonces', () => {
  it('live as long as they are told', async () => {
    let at = 1_000_000
    const nonces = createNonces({ kv: kv.kv, now: () => at })
    await (await turnOf(nonces.begin(request({ lifeMs: 60 })))).confirm()
    at += 59
    expect(await nonces.begin(request())).toMatchObject({ kind: 'stored' })
    at += 1
    await new Promise((resolve) => setTimeout(resolve, 80))
    expect(await nonces.begin(request())).toMatchObject({ kind: 'turn' })
  })

  it('are spent although the store kept the reservation and answered too late', async () => {
    let slow = true
    const late: Kv = {
      ...kv.kv,
      async replace(entries) {
        const done = await kv.kv.replace(entries)
        return slow ? new Promise(() => undefined) : done
      },
    }
    for (const end of ['confirm', 'release'] as const) {
      slow = true
      const nonces = createNonces({ kv: late, callMs: 20 })
      const turn = await turnOf(nonces.begin(request({ nonce: end, reserveMs: 10_000 })))
      expect(turn.checked).toBe(false)
      slow = false
      await turn[end]()
      await new Promise((resolve) => setTimeout(resolve, 5))
      const other = await process().begin(request({ nonce: end, eventId: 'e2', waitMs: 0 }))
      expect(other).toMatchObject(
        end === 'confirm' ? { kind: 'stored', id: 'e1' } : { kind: 'turn', checked: true },
      )
    }
  })

  it('are spent although the reservation ran out before the event was durable', async () => {
    const turn = await turnOf(process().begin(request({ reserveMs: 30 })))
    await new Promise((resolve) => setTimeout(resolve, 60))
    await turn.confirm()
    expect(await process().begin(request({ eventId: 'e2' }))).toMatchObject({
      kind: 'stored',
      id: 'e1',
    })
  })

  it('stay with whoever took them once the reservation had run out', async () => {
    const late = await turnOf(process().begin(request({ reserveMs: 30 })))
    await new Promise((resolve) => setTimeout(resolve, 60))
    const next = await turnOf(process().begin(request({ eventId: 'e2', reserveMs: 10_000 })))
    await late.confirm()
    await next.confirm()
    expect(await process().begin(request({ eventId: 'e3' }))).toMatchObject({ id: 'e2' })
  })

  it('keep the first one stored', async () => {
    const [a, b] = [process(), process()]
    const first = await turnOf(a.begin(request({ reserveMs: 10_000 })))
    const second = await turnOf(b.begin(request({ eventId: 'e2', waitMs: 30 })))
    await first.confirm()
    await second.confirm()
    expect(await process().begin(request({ eventId: 'e3' }))).toMatchObject({ id: 'e1' })
  })

  it.each(['reject', 'hang'] as const)(
    'are unchecked while the state store is away (%s), each call bounded, then at once',
    async (mode) => {
      kv.mode = mode
      const errors: unknown[] = []
      const nonces = createNonces({ kv: kv.kv, onUnavailable: (error) => errors.push(error) })
      const startedAt = performance.now()
      for (let n = 0; n < 50; n += 1) {
        const turn = await turnOf(nonces.begin(request({ nonce: String(n) })))
        expect(turn.checked).toBe(false)
      }
      expect(performance.now() - startedAt).toBeLessThan(600)
      expect(kv.calls).toBeLessThanOrEqual(6)
      expect(errors.length).toBeGreaterThan(40)
      // Copies that meet in this process are told apart nevertheless.
      await (await turnOf(nonces.begin(request({ nonce: 'again' })))).confirm()
      expect(await nonces.begin(request({ nonce: 'again' }))).toMatchObject({ kind: 'stored' })
      kv.mode = 'ok'
      await new Promise((resolve) => setTimeout(resolve, 1_050))
      expect((await turnOf(nonces.begin(request({ nonce: 'back' })))).checked).toBe(true)
    },
  )
})
