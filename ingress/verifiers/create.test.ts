import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createVerifier } from './create.ts'
import { presetNamed, presetOf } from './settings.ts'
import { signRequest } from './sign.ts'
import { now, requestOf, url, verdict, verifyWith } from './testing.ts'

const secret = 'a-secret-of-some-length'
const hex = (text: string, algorithm = 'sha256', key = secret) =>
  createHmac(algorithm, key).update(text).digest('hex')

const codeOf = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
  return 'made'
}

describe('a scheme spelled out', () => {
  it.each(['sha1', 'sha256', 'sha384', 'sha512'])(
    'HMAC with %s in any encoding',
    async (algorithm) => {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const mac = createHmac(algorithm, secret).update('{}').digest(encoding)
        const verify = { scheme: 'hmac', header: 'X-Sig', prefix: 'p=', algorithm, encoding }
        expect(
          verdict(
            await verifyWith(
              { verify, secrets: [secret] },
              { headers: { 'x-sig': `p=${mac}` }, body: '{}' },
            ),
          ),
        ).toBe('accepted')
      }
    },
  )

  it('signs what its template says', async () => {
    const verify = {
      scheme: 'hmac',
      header: 'x-sig',
      template: '{method}|{url}|{path}|{query}|{header:X-Foo}|{body:a.b}|{timestamp}.{body}',
      timestamp: { header: 'x-time', unit: 'ms' },
      tolerance: '1m',
    }
    const body = '{"a":{"b":7}}'
    const text = `POST|${url}|/in/acme/source|room=1|bar|7|${now}.${body}`
    const headers = { 'X-Foo': 'bar', 'X-Time': `${now}`, 'X-Sig': hex(text) }
    const options = { verify, secrets: [secret] }
    expect(verdict(await verifyWith(options, { headers, body }))).toBe('accepted')
    expect(verdict(await verifyWith(options, { headers, body }, now + 60_001))).toBe(
      'stale: timestamp tolerance',
    )
    expect(
      verdict(await verifyWith(options, { headers: { ...headers, 'X-Foo': 'x' }, body })),
    ).toBe('mismatch: hmac')
    expect(
      verdict(
        await verifyWith(options, { headers: { 'x-sig': hex(text), 'x-time': `${now}` }, body }),
      ),
    ).toBe('missing: header x-foo')
  })

  it('finds id and type where it is told, and keeps the headers it is told', async () => {
    const verify = {
      scheme: 'token',
      header: 'x-token',
      deliveryId: { header: 'X-Id' },
      type: { join: [{ body: 'kind' }, { body: 'action' }] },
      keepHeaders: ['X-Id'],
    }
    const verifier = createVerifier({ verify, secrets: [secret] })
    const headers = { 'X-Token': secret, 'X-Id': 'd-1' }
    expect(verifier).toMatchObject({ provider: 'token', keepHeaders: ['x-id'] })
    expect(
      await verifier.verify(
        requestOf({ headers, body: '{"kind":"build","action":"failed"}' }),
        now,
      ),
    ).toMatchObject({
      type: 'build.failed',
      deliveryId: 'd-1',
      idCovered: false,
      bodyCovered: false,
    })
  })

  it.each([
    ['nothing', {}, 'ZENHOOK_VERIFY_NO_SCHEME'],
    ['an unknown provider', { provider: 'githb' }, 'ZENHOOK_VERIFY_UNKNOWN_PROVIDER'],
    ['an unknown scheme', { verify: { scheme: 'hmak' } }, 'ZENHOOK_VERIFY_UNKNOWN_SCHEME'],
    [
      'an unknown setting',
      { verify: { scheme: 'hmac', header: 'x', heder: 'y' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    ['no header', { verify: { scheme: 'hmac' } }, 'ZENHOOK_VERIFY_SETTINGS'],
    [
      'an unknown field',
      { verify: { scheme: 'hmac', header: 'x', template: '{boddy}' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'a member of Object',
      { verify: { scheme: 'hmac', header: 'x', template: '{constructor}' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'a time that nothing signs',
      { verify: { scheme: 'hmac', header: 'x', timestamp: { header: 't' } } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'a template of an absent time',
      { verify: { scheme: 'hmac', header: 'x', template: '{timestamp}{body}' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'a weak hash',
      { verify: { scheme: 'hmac', header: 'x', algorithm: 'md5' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'a credential to keep',
      { verify: { scheme: 'token', header: 'x', keepHeaders: ['Authorization'] } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'a setting that its provider has not',
      { provider: 'github', verify: { tolerence: '5m' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'another scheme for a provider',
      { provider: 'github', verify: { scheme: 'token' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    ['JWT without algorithms', { verify: { scheme: 'jwt' } }, 'ZENHOOK_VERIFY_SETTINGS'],
    [
      'JWT without signature',
      { verify: { scheme: 'jwt', algorithms: ['none'] } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    [
      'keys over plain HTTP',
      { verify: { scheme: 'jwt', algorithms: ['RS256'], jwks: 'http://x.example/' } },
      'ZENHOOK_VERIFY_SETTINGS',
    ],
    ['basic without a colon', { verify: { scheme: 'basic' } }, 'ZENHOOK_VERIFY_SECRET_FORM'],
  ])('is refused with %s', (_, source, code) => {
    expect(codeOf(() => createVerifier({ ...source, secrets: [secret] }))).toBe(code)
  })

  it('names what was probably meant', () => {
    expect(() => presetNamed('githb')).toThrow(
      expect.objectContaining({ fix: 'Did you mean github?' }),
    )
    expect(() => presetNamed('standard_webhooks')).toThrow(
      expect.objectContaining({ fix: 'Did you mean standard-webhooks?' }),
    )
    expect(() => presetNamed('zzzzzzzzzzzz')).toThrow(
      expect.objectContaining({ fix: expect.stringContaining('providers list') }),
    )
    expect(presetNamed('svix').name).toBe('standard-webhooks')
  })
})

describe("a preset's settings", () => {
  it('can be changed for one source', async () => {
    const draft = signRequest(presetNamed('slack'), { secret, body: '{}', url, now })
    const at = (tolerance: string, time: number) =>
      verifyWith({ provider: 'slack', verify: { tolerance }, secrets: [secret] }, draft, time)
    expect(verdict(await at('10m', now + 599_000))).toBe('accepted')
    expect(verdict(await at('10s', now + 11_000))).toBe('stale: timestamp tolerance')
    expect(presetOf({ provider: 'slack' })).toEqual(presetNamed('slack'))
  })

  it("take a header of the time that Grafana's user named", async () => {
    const verify = { timestamp: { header: 'X-My-Time' }, template: '{timestamp}:{body}' }
    const headers = {
      'X-My-Time': `${now / 1_000}`,
      'X-Grafana-Alerting-Signature': hex(`${now / 1_000}:{}`),
    }
    const check = (given: Record<string, string>) =>
      verifyWith({ provider: 'grafana', verify, secrets: [secret] }, { headers: given, body: '{}' })
    expect(verdict(await check(headers))).toBe('accepted')
    expect(verdict(await check({ 'X-Grafana-Alerting-Signature': hex('{}') }))).toBe(
      'missing: header x-my-time',
    )
  })
})

describe('nonces', () => {
  const github = { provider: 'github', secrets: [secret] }
  const signed = (body: string) => ({
    headers: { 'x-hub-signature-256': `sha256=${hex(body)}` },
    body,
  })
  const nonceOf = async (
    options: Parameters<typeof verifyWith>[0],
    sketch: Parameters<typeof verifyWith>[1],
  ) => {
    const verified = await verifyWith(options, sketch)
    if (!verified.ok) throw new Error(verdict(verified))
    return verified.nonce
  }

  it('are of what was signed, whatever an uncovered id says', async () => {
    const one = signed('{"a":1}')
    const headers = { ...one.headers, 'x-github-delivery': 'other' }
    expect(await nonceOf(github, { ...one, headers })).toBe(await nonceOf(github, one))
    expect(await nonceOf(github, signed('{"a":2}'))).not.toBe(await nonceOf(github, one))
  })

  it('are the same for every secret, form and size of message', async () => {
    const body = `"${'x'.repeat(40_000)}"`
    const rotated = { provider: 'github', secrets: ['another-secret', secret] }
    expect(await nonceOf(rotated, signed(body))).toBe(await nonceOf(github, signed(body)))
  })

  it('tell two events of one static token apart', async () => {
    const gitlab = { provider: 'gitlab', secrets: [secret] }
    const event = (id: string, body: string) => ({
      headers: { 'x-gitlab-token': secret, 'idempotency-key': id },
      body,
    })
    const nonces = await Promise.all([
      nonceOf(gitlab, event('1', '{}')),
      nonceOf(gitlab, event('2', '{}')),
      nonceOf(gitlab, event('1', '[]')),
    ])
    expect(new Set(nonces).size).toBe(3)
  })

  it('F61: are remembered for longer than a replay can succeed', async () => {
    const draft = signRequest(presetNamed('stripe'), {
      secret,
      body: '{"id":"evt_1"}',
      url,
      now: now + 300_000,
    })
    const verified = await verifyWith({ provider: 'stripe', secrets: [secret] }, draft, now)
    expect(verified).toMatchObject({ ok: true, nonce: 'id:evt_1', nonceTtlMs: 660_001 })
    expect(
      verdict(await verifyWith({ provider: 'stripe', secrets: [secret] }, draft, now + 600_000)),
    ).toBe('accepted')
    expect(
      verdict(await verifyWith({ provider: 'stripe', secrets: [secret] }, draft, now + 601_000)),
    ).toMatch(/^stale/)
  })
})

describe('a preset whose delivery id is elsewhere', () => {
  const body = '{"id":"evt_1","type":"invoice.paid"}'
  const time = Math.floor(now / 1_000)
  const signature = `t=${time},v1=${hex(`${time}.${body}`)}`
  const noncesOf = async (deliveryId: object) => {
    const source = { provider: 'stripe', verify: { deliveryId }, secrets: [secret] }
    const nonces = new Set<string>()
    for (const id of ['one', 'two']) {
      const headers = {
        'Stripe-Signature': signature,
        'X-Id': id,
        'Content-Type': 'application/json',
      }
      const verified = await verifyWith(source, { headers, body })
      if (!verified.ok) throw new Error(verified.step)
      nonces.add(verified.nonce)
      expect(verified.deliveryId).toBe('header' in deliveryId ? id : 'evt_1')
      expect(verified.idCovered).toBe(!('header' in deliveryId))
    }
    return [...nonces]
  }

  it('F56: knows a replay by what is signed where the id is in a header that nobody signs', async () => {
    expect(await noncesOf({ header: 'x-id' })).toHaveLength(1)
  })

  it('knows it by the id where that is in the signed body', async () => {
    expect(await noncesOf({ body: 'id' })).toEqual(['id:evt_1'])
  })
})
