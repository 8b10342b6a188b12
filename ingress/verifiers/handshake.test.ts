import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createVerifier } from './create.ts'
import { presetNamed } from './settings.ts'
import { generateSecrets, signRequest } from './sign.ts'
import { now, requestOf, url, verdict, verifyWith } from './testing.ts'

const secret = 'a-secret-of-some-length'

const signedBy = (provider: string, body: unknown, key: string = secret) =>
  signRequest(presetNamed(provider), {
    secret: key,
    body: JSON.stringify(body),
    url,
    now,
    headers: { 'content-type': 'application/json' },
  })

const answer = async (
  provider: string,
  body: unknown,
  pair = { signing: secret, verifying: secret },
) => {
  const verified = await verifyWith(
    { provider, secrets: [pair.verifying] },
    signedBy(provider, body, pair.signing),
  )
  if (!verified.ok) throw new Error(verdict(verified))
  return verified.respond
}

describe('F64: Slack', () => {
  const challenge = {
    type: 'url_verification',
    token: 'x',
    challenge: '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd',
  }

  it('gets its challenge back, as plain text, with nothing delivered', async () => {
    expect(await answer('slack', challenge)).toEqual({
      status: 200,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      },
      body: challenge.challenge,
      deliver: false,
    })
  })

  it('gets nothing without a signature', async () => {
    const body = JSON.stringify(challenge)
    expect(verdict(await verifyWith({ provider: 'slack', secrets: [secret] }, { body }))).toMatch(
      /^missing/,
    )
  })

  it.each(['<script>alert(1)</script>', 'x'.repeat(2_000), '', 'a b', 'a\r\nb', { a: 1 }])(
    'gets no page, essay or header echoed: %j',
    async (text) => {
      const result = answer('slack', { type: 'url_verification', challenge: text })
      await expect(result).rejects.toThrow('malformed: challenge')
    },
  )

  it('delivers its events', async () => {
    expect(
      await answer('slack', { type: 'event_callback', event: { type: 'message' } }),
    ).toBeUndefined()
  })
})

it('F64: Zoom gets its token and the HMAC of it', async () => {
  const plainToken = 'qgg8vlvZRS6UYooatFL8Aw'
  const reply = await answer('zoom', { event: 'endpoint.url_validation', payload: { plainToken } })
  expect(reply).toMatchObject({ status: 200, deliver: false })
  expect(JSON.parse(reply?.body ?? '')).toEqual({
    plainToken,
    encryptedToken: createHmac('sha256', secret).update(plainToken).digest('hex'),
  })
})

describe('F64: Discord', () => {
  const pair = generateSecrets(presetNamed('discord'))
  it('gets a pong for its ping, of either kind', async () => {
    expect(await answer('discord', { id: '1', type: 1 }, pair)).toMatchObject({
      status: 200,
      body: '{"type":1}',
    })
    expect(await answer('discord', { type: 0, application_id: '1' }, pair)).toMatchObject({
      status: 204,
      body: '',
    })
  })

  it('delivers its events and interactions', async () => {
    expect(
      await answer('discord', { type: 1, event: { type: 'APPLICATION_AUTHORIZED' } }, pair),
    ).toBeUndefined()
    expect(await answer('discord', { id: '1', type: 2 }, pair)).toBeUndefined()
  })

  it('is refused when it probes with a bad signature', async () => {
    const draft = signedBy(
      'discord',
      { id: '1', type: 1 },
      generateSecrets(presetNamed('discord')).signing,
    )
    const options = { provider: 'discord', secrets: [pair.verifying] }
    expect(verdict(await verifyWith(options, draft))).toBe('mismatch: ed25519')
  })
})

describe('F64: Meta', () => {
  const get = (
    query: Record<string, string> | string,
    secrets: readonly string[] = ['app-secret-1', 'verify:typed-at-meta'],
  ) =>
    verifyWith(
      { provider: 'meta', secrets },
      { method: 'GET', url: `${url}&${new URLSearchParams(query)}` },
    )
  const query = {
    'hub.mode': 'subscribe',
    'hub.verify_token': 'typed-at-meta',
    'hub.challenge': '1158201444',
  }

  it('gets its challenge for the verify token', async () => {
    expect(await get(query)).toMatchObject({
      ok: true,
      secretIndex: 1,
      respond: { status: 200, body: '1158201444', deliver: false },
    })
  })

  it('takes any live secret where none is marked, and only marked ones where one is', async () => {
    const with1 = { ...query, 'hub.verify_token': 'app-secret-1' }
    expect(verdict(await get(with1, ['app-secret-1']))).toBe('accepted')
    expect(verdict(await get(with1))).toBe('mismatch: query hub.verify_token')
  })

  it.each([
    [{ ...query, 'hub.verify_token': 'other' }, 'mismatch: query hub.verify_token'],
    [{ ...query, 'hub.verify_token': '' }, 'mismatch: query hub.verify_token'],
    [{ ...query, 'hub.mode': 'unsubscribe' }, 'missing: query hub.mode'],
    [{ ...query, 'hub.challenge': '<b>' }, 'malformed: query hub.challenge'],
    [{}, 'missing: query hub.mode'],
    [
      'hub.mode=subscribe&hub.verify_token=a&hub.verify_token=typed-at-meta',
      'malformed: query hub.verify_token is repeated',
    ],
    ['hub.mode=subscribe&hub.verify_token=typed-at-meta', 'missing: query hub.challenge'],
  ])('gets nothing for %j', async (asked, expected) => {
    expect(verdict(await get(asked))).toBe(expected)
  })

  it('takes no verify token that one could guess', () => {
    expect(() =>
      createVerifier({ provider: 'meta', secrets: ['app-secret-1', 'verify:a'] }),
    ).toThrow(expect.objectContaining({ code: 'ZENHOOK_VERIFY_SECRET_WEAK' }))
  })

  it('alone has secrets so marked', async () => {
    const own = 'verify:a-secret-of-some-length'
    const options = { provider: 'github', secrets: [own] }
    expect(verdict(await verifyWith(options, signedBy('github', {}, own)))).toBe('accepted')
  })

  it('signs nothing with its verify token', async () => {
    const draft = signedBy('meta', {}, 'typed-at-meta')
    const options = { provider: 'meta', secrets: ['app-secret-1', 'verify:typed-at-meta'] }
    expect(verdict(await verifyWith(options, draft))).toBe('mismatch: hmac')
    expect(() => createVerifier({ provider: 'meta', secrets: ['verify:typed-at-meta'] })).toThrow(
      expect.objectContaining({ code: 'ZENHOOK_VERIFY_SECRET_MISSING' }),
    )
  })
})

describe('F64: Okta', () => {
  const get = (headers: Record<string, string>) =>
    verifyWith({ provider: 'okta', secrets: [secret] }, { method: 'GET', headers })
  const challenge = { 'X-Okta-Verification-Challenge': 'd4b2c9d0e8f7' }

  it('gets its challenge back for its credential', async () => {
    expect(await get({ ...challenge, Authorization: secret })).toMatchObject({
      respond: { status: 200, body: '{"verification":"d4b2c9d0e8f7"}', deliver: false },
    })
  })

  it('gets nothing without it, and nothing without a challenge', async () => {
    expect(verdict(await get(challenge))).toBe('missing: header authorization')
    expect(verdict(await get({ ...challenge, Authorization: 'other' }))).toBe(
      'mismatch: credential',
    )
    expect(verdict(await get({ Authorization: secret }))).toBe(
      'missing: header x-okta-verification-challenge',
    )
  })
})

it('F64: a GET is allowed only where a handshake needs it', () => {
  const methods = (provider: string) => createVerifier({ provider, secrets: [secret] }).methods
  expect(methods('meta')).toEqual(['POST', 'GET'])
  expect(methods('okta')).toEqual(['POST', 'GET'])
  expect(methods('github')).toEqual(['POST'])
})

it('F64: a handshake of one provider is an event of another', async () => {
  const draft = signedBy('github', { type: 'url_verification', challenge: 'abc' })
  const verified = await createVerifier({ provider: 'github', secrets: [secret] }).verify(
    requestOf(draft),
    now,
  )
  expect(verified).toMatchObject({ ok: true })
  expect(verified).not.toHaveProperty('respond')
})
