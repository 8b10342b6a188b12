import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Source } from '../core/registry/types.ts'
import { genuineHeaders, makeSource } from './testing/fakes.ts'
import { type Over, post, problemOf, type Started, startIngress } from './testing/harness.ts'

const open: Started[] = []
afterEach(async () => {
  for (const started of open.splice(0)) await started.close()
})
const start = async (
  sources: readonly Source[] = [makeSource()],
  over: Over = {},
): Promise<Started> => {
  const started = await startIngress(sources, over)
  open.push(started)
  return started
}

describe('a genuine request', () => {
  it('is answered 202 with its id once it is in the log', async () => {
    const { url, stored, codec } = await start()
    const body = '{"action":"opened"}'
    const response = await post(`${url}/in/acme/github`, body, {
      ...genuineHeaders(body, 'd-1'),
      'x-request-id': 'mine-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'a=b',
    })
    expect(response.status).toBe(202)
    expect(response.headers.get('x-request-id')).toBe('mine-1')
    const { id } = (await response.json()) as { id: string }
    const [record] = await stored()
    expect(record?.headers).toMatchObject({
      id,
      tenant: 'acme',
      source: 'github',
      type: 'push.opened',
      tracestate: 'a=b',
    })
    expect(record?.headers.traceparent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    )
    const event = await codec.decode('event', record?.value ?? new Uint8Array())
    expect(event).toMatchObject({
      id,
      deliveryId: 'd-1',
      provider: 'github',
      dedupeWindowMs: 86_400_000,
      verification: { scheme: 'hmac', bodyCovered: true, idCovered: false, secretIndex: 0 },
    })
    expect(Object.keys(event.headers)).not.toContain('x-hub-signature-256')
    expect(new TextDecoder().decode(event.raw)).toBe(body)
  })

  it('F56: a hundred copies of one at once are stored once, and each is answered 202', async () => {
    const { url, stored } = await start()
    const body = '{"n":1}'
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await post(`${url}/in/acme/github`, body, genuineHeaders(body, 'd-2'))
        const answer = (await response.json()) as { id: string; duplicate?: boolean }
        return { status: response.status, ...answer }
      }),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(answers.filter(({ duplicate }) => duplicate === true)).toHaveLength(99)
    expect(await stored()).toHaveLength(1)
  })

  it('is answered 200 where its sender takes nothing else, and a copy of it too', async () => {
    const { url, stored } = await start([makeSource({ successStatus: 200 })])
    const body = '{"n":1}'
    const send = () => post(`${url}/in/acme/github`, body, genuineHeaders(body, 'd-1'))
    const first = await send()
    const { id } = (await first.json()) as { id: string }
    const second = await send()
    expect([first.status, second.status]).toEqual([200, 200])
    expect(await second.json()).toEqual({ id, duplicate: true })
    expect(await stored()).toHaveLength(1)
    expect((await post(`${url}/in/acme/github`, body)).status).toBe(401)
  })

  it('F59: one id of two tenants, or of two sources, is two events', async () => {
    const sources = [makeSource(), makeSource({ name: 'other' }), makeSource({ tenant: 'globex' })]
    const { url, stored } = await start(sources)
    const body = '{"n":2}'
    for (const path of ['acme/github', 'acme/other', 'globex/github']) {
      const response = await post(`${url}/in/${path}`, body, genuineHeaders(body, 'same'))
      expect(await response.json()).not.toHaveProperty('duplicate')
    }
    const records = await stored()
    expect(new Set(records.map(({ key }) => key)).size).toBe(3)
  })

  it('takes key, window and order from the configuration of its source', async () => {
    const source = makeSource({
      dedupe: { key: '$.n', windowMs: 7 },
      ordering: 'repos[0]["full name"]',
    })
    const { url, stored, codec } = await start([source])
    for (const n of [1, 2]) {
      const body = JSON.stringify({ n: 5, at: n, repos: [{ 'full name': 'site' }] })
      await post(`${url}/in/acme/github`, body, genuineHeaders(body, `d-${n}`))
    }
    const events = await Promise.all(
      (await stored()).map(({ value }) => codec.decode('event', value ?? new Uint8Array())),
    )
    expect(events).toHaveLength(2)
    expect(new Set(events.map(({ dedupeKey }) => dedupeKey)).size).toBe(1)
    expect(new Set(events.map(({ key }) => key)).size).toBe(1)
    expect(events[0]).toMatchObject({ dedupeWindowMs: 7 })
    expect(events[0]?.key).not.toBe(events[0]?.dedupeKey)
  })

  it('keeps how often it passed through Zenhook, and no header that its preset does not name', async () => {
    const { url, stored, codec } = await start([makeSource()])
    const body = '{"n":3}'
    await post(`${url}/in/acme/github`, body, {
      ...genuineHeaders(body, 'd-3'),
      'zenhook-hops': '2',
      'x-other': 'dropped',
    })
    const [record] = await stored()
    const { headers } = await codec.decode('event', record?.value ?? new Uint8Array())
    expect(headers).toMatchObject({ 'zenhook-hops': '2' })
    expect(headers).not.toHaveProperty('x-other')
  })

  it('F58: an id that comes again with another body is a recorded conflict, and stores nothing', async () => {
    const { url, stored, codec } = await start([makeSource({ name: 'std' })], {
      verifierFor: async () => idCovering(),
    })
    const first = (await (await post(`${url}/in/acme/std`, '{"a":1}')).json()) as { id: string }
    const second = await post(`${url}/in/acme/std`, '{"a":2}')
    expect(second.status).toBe(202)
    expect(await second.json()).toEqual({ id: first.id, duplicate: true })
    expect(await stored()).toHaveLength(1)
    await expect.poll(async () => (await stored('decisions')).length).toBe(1)
    const [record] = await stored('decisions')
    expect(record?.headers).toMatchObject({ id: first.id, tenant: 'acme', source: 'std' })
    expect(await codec.decode('decisions', record?.value ?? new Uint8Array())).toMatchObject({
      eventId: first.id,
      decisions: [{ stage: 'ingress', verdict: 'pass', reason: 'conflict' }],
    })
  })
})

const idCovering = () => ({
  provider: 'fake',
  methods: ['POST'],
  dedupeWindowMs: { withId: 60_000, withoutId: 1_000 },
  patienceMs: 3_000,
  keepHeaders: [],
  verify: async () => ({
    ok: true as const,
    type: 't',
    deliveryId: 'one',
    nonce: 'id:one',
    nonceTtlMs: 660_000,
    toleranceMs: 300_000,
    idCovered: true,
    bodyCovered: true,
    scheme: 'fake',
  }),
})

describe('refusals', () => {
  it('F54: are one and the same for whatever does not verify, and store nothing', async () => {
    const { url, stored, kv } = await start([makeSource(), makeSource({ tenant: 'globex' })])
    const body = '{"n":3}'
    const { 'x-hub-signature-256': genuine, ...unsigned } = genuineHeaders(body, 'd')
    const signed = (value: string) => ({ ...unsigned, 'x-hub-signature-256': value })
    const wrong = [
      unsigned,
      signed('sha256=00'),
      signed('nonsense'),
      signed(`${genuine}00`),
      signed(genuineHeaders(`${body} `)['x-hub-signature-256'] ?? ''),
    ]
    const problems = await Promise.all(
      wrong.map(async (headers) => {
        const response = await post(`${url}/in/acme/github`, body, headers)
        expect(response.status).toBe(401)
        const { request_id, ...rest } = await problemOf(response)
        expect(request_id).toMatch(/^[0-9a-f-]{36}$/)
        return JSON.stringify(rest)
      }),
    )
    expect(new Set(problems).size).toBe(1)
    expect(await stored()).toEqual([])
    expect(kv.calls).toBe(0)
  })

  it('tell an unknown tenant from an unknown source by nothing', async () => {
    const { url } = await start()
    const answers = await Promise.all(
      ['nobody/github', 'acme/nothing'].map(async (path) => {
        const response = await post(`${url}/in/${path}`, '{}')
        expect(response.status).toBe(404)
        const { request_id: _, ...rest } = await problemOf(response)
        return JSON.stringify(rest)
      }),
    )
    expect(answers[0]).toBe(answers[1])
  })

  it.each([
    ['a method', 405, { method: 'PUT', body: '{}' }, {}],
    ['GET without a handshake', 405, { method: 'GET' }, {}],
    ['a content coding', 415, { body: '{}', headers: { 'content-encoding': 'gzip' } }, {}],
    [
      'a charset',
      415,
      { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } },
      {},
    ],
    ['a body over the limit', 413, { body: 'x'.repeat(2_000) }, { maxBody: 1_000 }],
  ])('F68: of %s is %i', async (_, status, init, over) => {
    const { url } = await start([makeSource(over)])
    const response = await fetch(`${url}/in/acme/github`, { method: 'POST', ...init })
    expect(response.status).toBe(status)
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ status, code: expect.stringMatching(/^ZENHOOK_INGRESS_/) })
    if (status === 405) expect(response.headers.get('allow')).toBe('POST')
  })

  it('F70: take a body of exactly the limit', async () => {
    const body = JSON.stringify('x'.repeat(998))
    const { url } = await start([makeSource({ maxBody: body.length })])
    expect((await post(`${url}/in/acme/github`, body, genuineHeaders(body))).status).toBe(202)
    const more = JSON.stringify('x'.repeat(999))
    expect((await post(`${url}/in/acme/github`, more, genuineHeaders(more))).status).toBe(413)
  })

  it('F68: never are 500: what nobody expected is 503, told in the log under its id', async () => {
    const lines: Record<string, unknown>[] = []
    const nothing = (): void => {}
    const logger = {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: (fields: object) => lines.push({ ...fields }),
      child: () => logger,
    }
    const { url } = await start([makeSource()], {
      logger,
      verifierFor: async () => {
        throw new TypeError('a bug')
      },
    })
    const response = await post(`${url}/in/acme/github`, '{}')
    expect(response.status).toBe(503)
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ code: 'ZENHOOK_INGRESS_INTERNAL' })
    expect(JSON.stringify(problem)).not.toContain('a bug')
    expect(lines).toContainEqual(expect.objectContaining({ request_id: problem.request_id }))
  })

  it('F67: cover every path but three', async () => {
    const { url } = await start()
    for (const path of ['/', '/metrics', '/v1/events', '/in/acme', '/in/acme/github/x', '/version'])
      expect((await problemOf(await fetch(`${url}${path}`))).status).toBe(404)
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect((await post(`${url}/healthz`, 'x')).status).toBe(405)
  })
})

describe('rate limits', () => {
  it('of a source answer 429 with when to come again', async () => {
    const { url, stored } = await start([makeSource({ rateLimit: { perSecond: 1, burst: 3 } })])
    const statuses: number[] = []
    for (let n = 0; n < 5; n += 1) {
      const body = `{"n":${n}}`
      const response = await post(`${url}/in/acme/github`, body, genuineHeaders(body))
      statuses.push(response.status)
      if (response.status === 429) {
        expect(response.headers.get('retry-after')).toBe('1')
        expect(response.headers.get('ratelimit-policy')).toBe('"source";q=3;w=3')
        expect(response.headers.get('ratelimit')).toBe('"source";r=0;t=1')
      }
    }
    expect(statuses).toEqual([202, 202, 202, 429, 429])
    expect(await stored()).toHaveLength(3)
  })

  it('below one a second let a request pass now and then', async () => {
    const { url } = await start([makeSource({ rateLimit: { perSecond: 0.1 } })])
    const statuses: number[] = []
    for (const body of ['{"n":1}', '{"n":2}'])
      statuses.push((await post(`${url}/in/acme/github`, body, genuineHeaders(body))).status)
    expect(statuses).toEqual([202, 429])
  })

  it('F62: stop a flood of bad signatures, but neither the sender nor the state store', async () => {
    const source = makeSource({ rateLimit: { perSecond: 1, burst: 30 } })
    const { url, kv } = await start([source], { failures: { perSecond: 1, burst: 10 } })
    const body = '{"n":1}'
    const bad = {
      ...genuineHeaders(body, 'real'),
      'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
    }
    for (let n = 0; n < 40; n += 1) await post(`${url}/in/acme/github`, body, bad)
    expect(kv.calls).toBe(0)
    const big = 'x'.repeat(100_000)
    expect((await post(`${url}/in/acme/github`, big, bad)).status).toBe(429)
    const response = await post(`${url}/in/acme/github`, body, genuineHeaders(body, 'real'))
    expect(response.status).toBe(202)
    expect(await response.json()).not.toHaveProperty('duplicate')
  })
})

describe('handshakes', () => {
  it('F64: are answered as the verifier says, and become no event', async () => {
    const respond = {
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: 'challenge',
      deliver: false as const,
    }
    const handshake = { ...idCovering(), methods: ['POST', 'GET'] }
    const { url, stored, kv } = await start([makeSource()], {
      verifierFor: async () => ({
        ...handshake,
        verify: async (request, now) => ({ ...(await handshake.verify()), respond, now, request }),
      }),
    })
    const response = await fetch(`${url}/in/acme/github?hub.challenge=x`)
    expect([response.status, await response.text()]).toEqual([200, 'challenge'])
    expect(await stored()).toEqual([])
    expect(kv.calls).toBe(0)
  })
})

// Too long to stand in the file; it says how they are made.
const generated: Readonly<Record<string, string>> = {
  'n_structure_100000_opening_arrays.json': '['.repeat(100_000),
  'n_structure_open_array_object.json': `${'[{"":'.repeat(50_000)}\n`,
}

const vectors = join(import.meta.dirname, '../../shared/vectors/json-parsing.json')

describe('hostile JSON, correctly signed', () => {
  if (!existsSync(vectors)) {
    it.skip('skipped: ../shared/vectors/json-parsing.json is not here', () => {})
    return
  }
  const { cases } = JSON.parse(readFileSync(vectors, 'utf8')) as {
    cases: { name: string; expect: 'accept' | 'reject' | 'either'; base64?: string }[]
  }
  it(`F69: is taken or refused as JSON says, and never more: ${cases.length} cases`, async () => {
    const { url } = await start()
    const wrong: string[] = []
    for (const { name, expect: wanted, base64 } of cases) {
      const body = base64 === undefined ? generated[name] : Buffer.from(base64, 'base64')
      if (body === undefined) throw new Error(`${name} has no bytes`)
      const { status } = await post(`${url}/in/acme/github`, body, genuineHeaders(body, name))
      const allowed = { accept: [202], reject: [400], either: [202, 400] }[wanted]
      if (!allowed.includes(status)) wrong.push(`${name}: ${status}, not ${wanted}`)
    }
    expect(wrong).toEqual([])
    expect(cases.length).toBe(318)
  })
})
