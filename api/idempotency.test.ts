import { describe, expect, it } from 'vitest'
import { ZenhookError } from '../core/errors/index.ts'
import { createMemoryKv } from '../core/kv/memory/index.ts'
import type { Published } from '../core/registry/port.ts'
import { keptMs, underWayMs } from './idempotency.ts'
import { type ApiFixture, apiOf, bin, published } from './testing.ts'

const path = '/v1/registry/destination/acme/box'
const body = JSON.stringify({ connector: 'bin' })

/** An API whose publications a test decides, and counts. */
const publishing = (publish: (times: number) => Promise<Published>, now?: () => number) => {
  const counted = { times: 0 }
  const kv = createMemoryKv(now === undefined ? {} : { now })
  const make = (token?: string): ApiFixture =>
    apiOf({
      kv,
      ...(token === undefined ? {} : { token }),
      checkObject: ({ tenant, name }) => bin(tenant, name),
      writer: {
        publish: () => {
          counted.times += 1
          return publish(counted.times)
        },
        diff: async () => [],
        present: async () => ({ revision: 'r', objects: [bin('acme', 'box')] }),
      },
    })
  return { counted, make, ...make() }
}

const put = ({ send }: Pick<ApiFixture, 'send'>, key: string, init: RequestInit = {}) =>
  send('PUT', path, { body, ...init, headers: { 'idempotency-key': key, ...init.headers } })

const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { code: unknown }).code

describe('Idempotency-Key', () => {
  it('does it once, and answers the same again', async () => {
    const api = publishing(async (times) => published(`r${times}`))
    const first = await put(api, '"k-1"')
    expect(first.status).toBe(200)
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    const text = await first.text()
    expect(text).toBe('{"revision":"r1","changed":[]}')
    // Bare, the key is the same.
    for (const key of ['"k-1"', 'k-1']) {
      const again = await put(api, key, { headers: { 'x-request-id': 'again' } })
      expect(again.status).toBe(200)
      expect(again.headers.get('idempotent-replayed')).toBe('true')
      expect(again.headers.get('content-type')).toBe('application/json')
      expect(again.headers.get('x-request-id')).toBe('again')
      expect(await again.text()).toBe(text)
    }
    expect(api.counted.times).toBe(1)
    expect(await (await put(api, 'k-2')).json()).toMatchObject({ revision: 'r2' })
    expect((await api.send('PUT', path, { body })).status).toBe(200)
    expect(api.counted.times).toBe(3)
  })

  it('refuses another request under the same key', async () => {
    const api = publishing(async () => published('r'))
    await put(api, 'k')
    const others = [
      put(api, 'k', { body: JSON.stringify({ connector: 'webhook' }) }),
      put(api, 'k', { headers: { 'if-match': '*' } }),
      api.send('DELETE', path, { headers: { 'idempotency-key': 'k' } }),
      api.send('PUT', `${path}-2`, { body, headers: { 'idempotency-key': 'k' } }),
    ]
    for (const other of await Promise.all(others)) {
      expect(other.status).toBe(422)
      expect(await codeOf(other)).toBe('ZENHOOK_API_IDEMPOTENCY_REUSED')
    }
    expect(api.counted.times).toBe(1)
  })

  it('says while the first is under way, and who died in it frees the key', async () => {
    let time = 1_000_000
    let finish = (_: Published): void => undefined
    const first = new Promise<Published>((resolve) => {
      finish = resolve
    })
    const api = publishing(
      (times) => (times === 1 ? first : Promise.resolve(published(`r${times}`))),
      () => time,
    )
    const slow = put(api, 'k')
    while (api.counted.times === 0) await new Promise(setImmediate)
    const meanwhile = await put(api, 'k')
    expect(meanwhile.status).toBe(409)
    expect(meanwhile.headers.get('retry-after')).toBe('1')
    expect(await codeOf(meanwhile)).toBe('ZENHOOK_API_IDEMPOTENCY_UNDER_WAY')
    time += underWayMs
    expect(await (await put(api, 'k')).json()).toMatchObject({ revision: 'r2' })
    // The first comes back from the dead: the answer that is kept stays the one of the second.
    finish(published('r1'))
    expect((await slow).status).toBe(200)
    expect(await (await put(api, 'k')).json()).toMatchObject({ revision: 'r2' })
    time += keptMs
    expect(await (await put(api, 'k')).json()).toMatchObject({ revision: 'r3' })
  })

  it('keeps nothing of what failed', async () => {
    const api = publishing(async (times) => {
      if (times === 1) throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
      if (times === 2) throw new Error('a fault of ours')
      return published('r')
    })
    expect((await put(api, 'k')).status).toBe(503)
    expect((await put(api, 'k')).status).toBe(500)
    const broken = await put(api, 'k', { body: '{' })
    expect(broken.status).toBe(400)
    expect((await put(api, 'k')).status).toBe(200)
    expect((await put(api, 'k')).headers.get('idempotent-replayed')).toBe('true')
    expect(api.counted.times).toBe(3)
  })

  it('belongs to its caller', async () => {
    const api = publishing(async (times) => published(`r${times}`))
    const other = api.make('another token')
    expect(await (await put(api, 'k')).json()).toMatchObject({ revision: 'r1' })
    const theirs = await other.send('PUT', path, {
      token: 'another token',
      body,
      headers: { 'idempotency-key': 'k' },
    })
    expect(await theirs.json()).toMatchObject({ revision: 'r2' })
    const stranger = await api.send('PUT', path, {
      token: 'wrong',
      body,
      headers: { 'idempotency-key': 'k' },
    })
    expect(stranger.status).toBe(401)
  })

  it('wants a key of a sane form, and none for what only asks', async () => {
    const api = publishing(async () => published('r'))
    for (const key of ['""', 'x'.repeat(256), 'a\tb', '\u00e9'])
      expect({ key, status: (await put(api, key)).status }).toEqual({ key, status: 400 })
    const asking = apiOf({ decisions: { query: async () => [{ n: 1 }] } as never })
    for (let i = 0; i < 2; i += 1) {
      const asked = await asking.send('POST', '/v1/decisions/query', {
        body: JSON.stringify({ sql: 'SELECT 1 AS n' }),
        headers: { 'idempotency-key': 'k' },
      })
      expect(asked.status).toBe(200)
      expect(asked.headers.get('idempotent-replayed')).toBeNull()
    }
  })

  it('sends a sample once, however often it is asked for with one key', async () => {
    let sent = 0
    const told = { tenant: 'a', source: 's', answers: [{ status: 202, body: { id: 'e' } }] }
    const api = apiOf({
      trigger: async () => {
        sent += 1
        return told
      },
    })
    const again = () =>
      api.send('POST', '/v1/trigger', {
        body: JSON.stringify({ provider: 'github' }),
        headers: { 'idempotency-key': 'k' },
      })
    const [first, second] = [await again(), await again()]
    expect(await first.json()).toEqual(told)
    expect(await second.json()).toEqual(told)
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(sent).toBe(1)
  })

  it('does nothing while the state store is away: the promise could not be kept', async () => {
    const api = publishing(async () => published('r'))
    const away = () =>
      Promise.reject(new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true }))
    const without = apiOf({
      kv: { ...api.kv, replace: away },
      checkObject: ({ tenant, name }) => bin(tenant, name),
    })
    const refused = await put(without, 'k')
    expect(refused.status).toBe(503)
    expect(await codeOf(refused)).toBe('ZENHOOK_KV_UNAVAILABLE')
  })
})
