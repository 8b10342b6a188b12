import { createHmac } from 'node:crypto'
import { exportJWK, importPKCS8, importSPKI, SignJWT } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { createVerifier } from '../create.ts'
import { generateKeys } from '../keys.ts'
import { presetNamed, presetOf } from '../settings.ts'
import { signRequest } from '../sign.ts'
import { now, requestOf, url, verdict, verifyWith } from '../testing.ts'
import { queryStringHash } from './claims.ts'

const secret = 'a-secret-that-nobody-would-guess-0001'
const seconds = now / 1_000
const base = { exp: seconds + 60, iat: seconds, iss: 'them', aud: 'zenhook', tid: 'acme' }
const verify = {
  scheme: 'jwt',
  algorithms: ['HS256'],
  issuer: 'them',
  audience: 'zenhook',
  claims: { tid: 'acme' },
  required: ['exp', 'iat'],
}

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const tokenOf = (header: unknown, payload: unknown, key: string = secret): string => {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
}

const hs256 = { alg: 'HS256', typ: 'JWT' }
const check = async (token: string, at: number = now): Promise<string> =>
  verdict(
    await verifyWith(
      { verify, secrets: [secret] },
      { headers: { authorization: `Bearer ${token}` } },
      at,
    ),
  )

describe('F51: tokens', () => {
  it('accepts what it should', async () => {
    expect(await check(tokenOf(hs256, base))).toBe('accepted')
    expect(await check(tokenOf(hs256, { ...base, aud: ['x', 'zenhook'] }))).toBe('accepted')
    expect(await check(tokenOf(hs256, { ...base, exp: seconds - 29 }))).toBe('accepted')
  })

  it.each([
    ['no algorithm', tokenOf({ alg: 'none' }, base), 'mismatch: token algorithm'],
    [
      'no algorithm, unsigned',
      `${encode({ alg: 'none' })}.${encode(base)}.`,
      'malformed: token encoding',
    ],
    ['an algorithm in other letters', tokenOf({ alg: 'hs256' }, base), 'mismatch: token algorithm'],
    [
      'an algorithm that is not allowed',
      tokenOf({ alg: 'HS512' }, base),
      'mismatch: token algorithm',
    ],
    ['a list of algorithms', tokenOf({ alg: ['HS256'] }, base), 'mismatch: token algorithm'],
    ['another secret', tokenOf(hs256, base, 'b'.repeat(32)), 'mismatch: token signature'],
    ['another issuer', tokenOf(hs256, { ...base, iss: 'us' }), 'mismatch: claim iss'],
    ['no issuer', tokenOf(hs256, { ...base, iss: undefined }), 'mismatch: claim iss'],
    ['another audience', tokenOf(hs256, { ...base, aud: ['x'] }), 'mismatch: claim aud'],
    ['another tenant', tokenOf(hs256, { ...base, tid: 'other' }), 'mismatch: claim tid'],
    ['an end in the past', tokenOf(hs256, { ...base, exp: seconds - 31 }), 'stale: claim exp'],
    ['a start in the future', tokenOf(hs256, { ...base, nbf: seconds + 31 }), 'stale: claim nbf'],
    ['issued in the future', tokenOf(hs256, { ...base, iat: seconds + 31 }), 'stale: claim iat'],
    [
      'issued long ago',
      tokenOf(hs256, { ...base, iat: seconds - 90_000 }),
      'malformed: claim exp is too far away',
    ],
    ['no end', tokenOf(hs256, { ...base, exp: undefined }), 'missing: claim exp'],
    [
      'an end that is text',
      tokenOf(hs256, { ...base, exp: `${seconds + 60}` }),
      'malformed: claim exp',
    ],
    [
      'an infinite end',
      tokenOf(hs256, '{"exp":1e999,"iat":1,"iss":"them"}'),
      'malformed: claim exp',
    ],
    ['an end past all calendars', tokenOf(hs256, { ...base, exp: 1e15 }), 'malformed: claim exp'],
    [
      'an end in a year',
      tokenOf(hs256, { ...base, exp: seconds + 31_536_000 }),
      'malformed: claim exp is too far away',
    ],
    [
      'a claim twice',
      tokenOf(
        hs256,
        `{"exp":${base.exp},"iat":${base.iat},"iss":"us","iss":"them","aud":"zenhook","tid":"acme"}`,
      ),
      'malformed: token claims',
    ],
    ['a header twice', tokenOf('{"alg":"none","alg":"HS256"}', base), 'malformed: token header'],
    ['claims that are a list', tokenOf(hs256, [base]), 'malformed: token claims'],
    [
      'a critical extension',
      tokenOf({ ...hs256, crit: ['b64'], b64: false }, base),
      'malformed: token header',
    ],
    [
      'a header of 20 KB',
      tokenOf({ ...hs256, x: 'x'.repeat(20_000) }, base),
      'malformed: token length',
    ],
    [
      'a header of 8 KB',
      tokenOf({ ...hs256, x: 'x'.repeat(8_000) }, base),
      'malformed: token form',
    ],
    ['padding', `${tokenOf(hs256, base)}=`, 'malformed: token encoding'],
    ['four parts', `${tokenOf(hs256, base)}.`, 'malformed: token form'],
    ['JSON serialization', JSON.stringify({ payload: encode(base) }), 'malformed: token form'],
  ])('refuses %s', async (_, token, expected) => {
    expect(await check(token)).toBe(expected)
  })

  it('wants what must be there, and not empty', async () => {
    const strict = { verify: { ...verify, required: ['sub'] }, secrets: [secret] }
    for (const [sub, expected] of [
      [undefined, 'missing: claim sub'],
      ['', 'missing: claim sub'],
      ['x', 'accepted'],
    ]) {
      const headers = { authorization: `Bearer ${tokenOf(hs256, { ...base, sub })}` }
      expect(verdict(await verifyWith(strict, { headers }))).toBe(expected)
    }
  })

  it('takes no spelling of a signature but the canonical one', async () => {
    const token = tokenOf(hs256, base)
    const last = token.at(-1) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const at = alphabet.indexOf(last)
    // The last letter of 32 bytes has two bits to spare.
    const twin = alphabet[at ^ 1] ?? ''
    expect(await check(token.slice(0, -1) + twin)).toBe('malformed: token encoding')
  })

  it('uses no key that the token brings, and no public key as a secret', async () => {
    const pair = generateKeys('p256')
    const other = generateKeys('p256')
    const jwk = await exportJWK(await importSPKI(other.verifying, 'ES256'))
    const signed = (key: string) => async (header: Record<string, unknown>) =>
      new SignJWT(base)
        .setProtectedHeader({ alg: 'ES256', ...header })
        .sign(await importPKCS8(key, 'ES256'))
    const es256 = { ...verify, algorithms: ['ES256'] }
    const result = async (token: string) =>
      verdict(
        await verifyWith(
          { verify: es256, secrets: [pair.verifying] },
          { headers: { authorization: `bearer ${token}` } },
        ),
      )
    expect(await result(await signed(pair.signing)({}))).toBe('accepted')
    for (const own of [
      { jwk },
      { jku: 'https://evil.example/keys' },
      { x5u: 'https://evil.example/chain.pem' },
      { x5c: [Buffer.from(other.verifying).toString('base64')] },
      { jwk, kid: 'mine' },
    ])
      expect(await result(await signed(other.signing)(own))).toBe('mismatch: token signature')
    expect(await result(tokenOf(hs256, base, pair.verifying))).toBe('mismatch: token algorithm')
    expect(() =>
      createVerifier({ verify: { ...verify, algorithms: ['HS256', 'RS256'] }, secrets: [secret] }),
    ).toThrow(/cannot be mixed/)
  })
})

describe('F53: key sets', async () => {
  const pair = generateKeys('rsa')
  const jwk = {
    ...(await exportJWK(await importSPKI(pair.verifying, 'RS256'))),
    kid: 'one',
    use: 'sig',
  }
  const remote = {
    verify: { ...verify, algorithms: ['RS256'], jwks: 'https://login.example.com/keys' },
    secrets: [],
  }
  const token = async (kid?: string) =>
    new SignJWT({ ...base, exp: seconds + 20_000 })
      .setProtectedHeader({ alg: 'RS256', ...(kid !== undefined && { kid }) })
      .sign(await importPKCS8(pair.signing, 'RS256'))
  const headers = async (kid?: string) => ({ authorization: `Bearer ${await token(kid)}` })
  const setOf = (...keys: unknown[]) => JSON.stringify({ keys })

  it('fetches once for many, and again for an unknown kid at most every 30 s', async () => {
    const fetchKey = vi.fn(async () => setOf(jwk))
    const verifier = createVerifier({ ...remote, fetchKey })
    const known = requestOf({ headers: await headers('one') })
    const unknown = requestOf({ headers: await headers('two') })
    const many = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(known, now)))
    expect(many.every(({ ok }) => ok)).toBe(true)
    expect(fetchKey).toHaveBeenCalledTimes(1)
    for (let at = 0; at < 30_000; at += 500) await verifier.verify(unknown, now + at)
    expect(fetchKey).toHaveBeenCalledTimes(1)
    expect(verdict(await verifier.verify(unknown, now + 30_000))).toBe('mismatch: token signature')
    expect(fetchKey).toHaveBeenCalledTimes(2)
  })

  it('finds a new key by itself, and refuses a removed one', async () => {
    let keys = setOf()
    const verifier = createVerifier({ ...remote, fetchKey: async () => keys })
    const request = requestOf({ headers: await headers('one') })
    expect(verdict(await verifier.verify(request, now))).toBe('mismatch: token signature')
    keys = setOf(jwk)
    expect(verdict(await verifier.verify(request, now + 30_000))).toBe('accepted')
    keys = setOf()
    // Fetched beside the first request after ten minutes, waited for after fifteen.
    expect(verdict(await verifier.verify(request, now + 640_000))).toBe('accepted')
    expect(verdict(await verifier.verify(request, now + 641_000))).toBe('mismatch: token signature')
    keys = setOf(jwk)
    expect(verdict(await verifier.verify(request, now + 670_000))).toBe('accepted')
    keys = setOf()
    expect(verdict(await verifier.verify(request, now + 1_570_000))).toBe(
      'mismatch: token signature',
    )
  })

  it('lets a slow endpoint hold up nobody whose key is known', async () => {
    const fetchKey = vi.fn(async () => setOf(jwk))
    const verifier = createVerifier({ ...remote, fetchKey })
    const request = requestOf({ headers: await headers('one') })
    expect(verdict(await verifier.verify(request, now))).toBe('accepted')
    fetchKey.mockImplementation(() => new Promise(() => undefined))
    for (const at of [600_000, 640_000, 700_000])
      expect(verdict(await verifier.verify(request, now + at))).toBe('accepted')
    expect(fetchKey).toHaveBeenCalledTimes(2)
  })

  it('goes on with its keys while their endpoint is away, and not for ever', async () => {
    let away = false
    const fetchKey = async () => {
      if (away) throw new Error('away')
      return setOf(jwk)
    }
    const forever = { ...remote.verify, maxLifetime: '7d', required: [] }
    const verifier = createVerifier({ verify: forever, secrets: [], fetchKey })
    const endless = await new SignJWT({ iss: 'them', aud: 'zenhook', tid: 'acme' })
      .setProtectedHeader({ alg: 'RS256' })
      .sign(await importPKCS8(pair.signing, 'RS256'))
    const request = requestOf({ headers: { authorization: `Bearer ${endless}` } })
    expect(verdict(await verifier.verify(request, now))).toBe('accepted')
    away = true
    expect(verdict(await verifier.verify(request, now + 80_000_000))).toBe('accepted')
    await expect(verifier.verify(request, now + 86_400_000)).rejects.toMatchObject({
      code: 'ZENHOOK_VERIFY_KEY_FETCH',
      retriable: true,
    })
  })

  it.each([
    ['5 MB', () => setOf({ ...jwk, x: 'x'.repeat(5_000_000) })],
    ['a page', () => '<html></html>'],
    ['a list', () => '[]'],
    ['keys twice', () => `{"keys":[],"keys":[${JSON.stringify(jwk)}]}`],
  ])('takes nothing from an answer of %s', async (_, answer) => {
    const verifier = createVerifier({ ...remote, fetchKey: async () => answer() })
    await expect(
      verifier.verify(requestOf({ headers: await headers('one') }), now),
    ).rejects.toMatchObject({
      code: 'ZENHOOK_VERIFY_KEY_FETCH',
    })
  })

  it('takes no shared secret from a key set', async () => {
    const oct = { kty: 'oct', k: Buffer.from(secret).toString('base64url') }
    const verifier = createVerifier({ ...remote, fetchKey: async () => setOf(oct) })
    const request = requestOf({ headers: { authorization: `Bearer ${tokenOf(hs256, base)}` } })
    expect((await verifier.verify(request, now)).ok).toBe(false)
    expect(() =>
      createVerifier({
        verify: { ...remote.verify, algorithms: ['HS256'] },
        secrets: [],
        fetchKey: async () => '',
      }),
    ).toThrow(/key set is public/)
  })
})

describe('F51: hashes of the request', () => {
  it('ties a Connect token to method, path and query in any order', async () => {
    const preset = presetNamed('jira-connect')
    const at = 'https://hooks.example.com/in/acme/jira?b=2&a=%20x&a=1&jwt=ignored'
    const draft = signRequest(preset, { secret, body: '{}', url: at, now })
    const result = async (sketch: { method?: string; url?: string }) =>
      verdict(
        await verifyWith({ provider: 'jira-connect', secrets: [secret] }, { ...draft, ...sketch }),
      )
    expect(await result({})).toBe('accepted')
    expect(await result({ url: 'https://hooks.example.com/in/acme/jira/?a=1&a=+x&b=2' })).toBe(
      'accepted',
    )
    expect(await result({ url: `${at}&c=3` })).toBe('mismatch: claim qsh')
    expect(await result({ url: at.replace('jira', 'other') })).toBe('mismatch: claim qsh')
    expect(await result({ method: 'PUT' })).toBe('mismatch: claim qsh')
    expect(queryStringHash('post', '/base/x', '', '/base')).toBe(
      queryStringHash('POST', '/x', '', ''),
    )
  })

  it('ties a MessageBird token to URL and body, and to there being a body', async () => {
    const options = { provider: 'messagebird', secrets: [secret] }
    const sign = (body: string) =>
      signRequest(presetNamed('messagebird'), { secret, body, url, now })
    const result = async (
      headers: ReturnType<typeof sign>['headers'],
      body: string,
      to: string = url,
    ) => verdict(await verifyWith(options, { headers, body, url: to }))
    expect(await result(sign('{}').headers, '{}')).toBe('accepted')
    expect(await result(sign('').headers, '')).toBe('accepted')
    for (const algorithm of ['HS384', 'HS512'] as const) {
      const settings = { ...options, verify: { algorithms: [algorithm] } }
      const { headers } = signRequest(presetOf(settings), { secret, body: '{}', url, now })
      expect(verdict(await verifyWith(options, { headers, body: '{}' }))).toBe('accepted')
    }
    expect(await result(sign('{}').headers, '')).toBe('mismatch: claim payload_hash')
    expect(await result(sign('').headers, '{}')).toBe('missing: claim payload_hash')
    expect(await result(sign('{}').headers, '{}', `${url}1`)).toBe('mismatch: claim url_hash')
  })
})
