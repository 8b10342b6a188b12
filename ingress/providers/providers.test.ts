import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { presetNamed } from '../verifiers/settings.ts'
import { generateSecrets, signRequest } from '../verifiers/sign.ts'
import { now, type Sketch, url, verdict, verifyWith } from '../verifiers/testing.ts'

const secret = 'a-secret-of-some-length'
const seconds = String(now / 1_000)
const json = { 'content-type': 'application/json' }
const mac = (text: string, encoding: 'hex' | 'base64' = 'hex', key: string | Uint8Array = secret) =>
  createHmac('sha256', key).update(text).digest(encoding)

const check = async (provider: string, sketch: Sketch, secrets: readonly string[] = [secret]) =>
  verdict(await verifyWith({ provider, secrets }, sketch))

const respond = async (provider: string, sketch: Sketch) => {
  const verified = await verifyWith({ provider, secrets: [secret] }, sketch)
  if (!verified.ok) throw new Error(verdict(verified))
  return verified.respond
}

describe('Twitch', () => {
  const id = 'e76c6bd4-55c9-4987-8304-da1588d8988b'
  const signed = (body: string, at = '2025-10-09T08:53:20.123456789Z') => ({
    headers: {
      ...json,
      'Twitch-Eventsub-Message-Id': id,
      'Twitch-Eventsub-Message-Timestamp': at,
      'Twitch-Eventsub-Message-Signature': `sha256=${mac(id + at + body)}`,
    },
    body,
  })
  const pending = JSON.stringify({
    challenge: 'pogchamp-kappa-360noscope-vohiyo',
    subscription: { status: 'webhook_callback_verification_pending', type: 'stream.online' },
  })

  it('gets its challenge back as plain text, with nothing delivered', async () => {
    expect(await respond('twitch', signed(pending))).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'pogchamp-kappa-360noscope-vohiyo',
      deliver: false,
    })
    const forged = { ...signed(pending), body: pending.replace('pogchamp', 'kappa') }
    expect(await check('twitch', forged)).toBe('mismatch: hmac')
  })

  it('covers the id of a message, and its time with nanoseconds', async () => {
    const enabled = '{"subscription":{"status":"enabled","type":"stream.online"}}'
    const verified = await verifyWith({ provider: 'twitch', secrets: [secret] }, signed(enabled))
    expect(verified).toMatchObject({
      ok: true,
      deliveryId: id,
      idCovered: true,
      type: 'stream.online',
    })
    expect(await check('twitch', signed(enabled, '2025-10-09T08:43:19Z'))).toMatch(/^stale/)
  })
})

describe('Smartcar', () => {
  it.each([
    ['4.0', { eventType: 'VERIFY', data: { challenge: '3a8e5b7c' } }],
    ['2.0', { eventName: 'verify', payload: { challenge: '3a8e5b7c' } }],
  ])('gets the HMAC of its challenge back, version %s', async (_, event) => {
    const body = JSON.stringify(event)
    const sketch = { headers: { ...json, 'SC-Signature': mac(body) }, body }
    expect(await respond('smartcar', sketch)).toMatchObject({
      status: 200,
      body: JSON.stringify({ challenge: mac('3a8e5b7c') }),
      deliver: false,
    })
  })
})

describe('Buildkite', () => {
  const body = '{"event":"build.finished"}'
  const signature = `timestamp=${seconds},signature=${mac(`${seconds}.${body}`)}`

  it('is held to the signature that it claims, whatever token comes with it', async () => {
    const headers = { 'X-Buildkite-Token': secret, 'X-Buildkite-Signature': signature }
    expect(await check('buildkite', { headers, body })).toBe('accepted')
    expect(await check('buildkite', { headers, body: '{}' })).toBe('mismatch: hmac')
    const { 'X-Buildkite-Token': token } = headers
    expect(await check('buildkite', { headers: { 'X-Buildkite-Token': token }, body })).toBe(
      'accepted',
    )
  })
})

describe('lists of signatures', () => {
  const other = 'another-secret-of-some-length'

  it('ConfigCat: any of them is enough, and one that is cut is not', async () => {
    const of = (key: string) => mac(`1${seconds}{}`, 'base64', key)
    const headers = (signatures: string) => ({
      'X-ConfigCat-Webhook-ID': '1',
      'X-ConfigCat-Webhook-Timestamp': seconds,
      'X-ConfigCat-Webhook-Signature-V1': signatures,
    })
    for (const list of [of(secret), `${of(other)},${of(secret)}`, `${of(secret)},${of(other)}`])
      expect(await check('configcat', { headers: headers(list), body: '{}' })).toBe('accepted')
    expect(await check('configcat', { headers: headers(of(other)), body: '{}' })).toBe(
      'mismatch: hmac',
    )
    const cut = of(secret).slice(0, -2)
    expect(await check('configcat', { headers: headers(cut), body: '{}' })).toMatch(/^malformed/)
  })

  it('Polar: of those that begin with v1, whatever else is there', async () => {
    const of = (key: string) => `v1,${mac(`msg_1.${seconds}.{}`, 'base64', key)}`
    const headers = (signatures: string) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': seconds,
      'webhook-signature': signatures,
    })
    for (const list of [of(secret), `v1a,AAAA ${of(other)} ${of(secret)}`])
      expect(await check('polar', { headers: headers(list), body: '{}' })).toBe('accepted')
    const v2 = of(secret).replace('v1', 'v2')
    expect(await check('polar', { headers: headers(v2), body: '{}' })).toBe(
      'malformed: signature has no v1,',
    )
  })
})

describe('time and body side by side', () => {
  it.each([
    ['close', 'Close-Sig-Hash', 'Close-Sig-Timestamp', 'hex', seconds, Buffer.from(secret)],
    ['cashfree', 'X-Webhook-Signature', 'X-Webhook-Timestamp', 'base64', String(now), secret],
  ] as const)('%s cannot borrow digits', async (name, header, timeHeader, encoding, time, key) => {
    const secrets = [typeof key === 'string' ? key : key.toString('hex')]
    const signature = mac(`${time}{}`, encoding, key)
    const sketch = (at: string, body: string) => ({
      headers: { [header]: signature, [timeHeader]: at },
      body,
    })
    expect(await check(name, sketch(time, '{}'), secrets)).toBe('accepted')
    for (const taken of [1, 2, 3])
      expect(
        await check(name, sketch(time.slice(0, -taken), `${time.slice(-taken)}{}`), secrets),
      ).toMatch(/^stale/)
  })
})

describe('Datadog', () => {
  const pair = 'datadog:a-password-of-some-length'
  const basic = `Basic ${Buffer.from(pair).toString('base64')}`

  it('is told by the form of its credential, and takes none for the other', async () => {
    expect(await check('datadog', { headers: { authorization: basic } }, [pair])).toBe('accepted')
    const bearer = { headers: { authorization: `Bearer ${secret}` } }
    expect(await check('datadog', bearer, [secret])).toBe('accepted')
    expect(await check('datadog', { headers: { authorization: basic } }, [secret])).toBe(
      'mismatch: no secret of the kind basic',
    )
  })
})

describe.each(['plaid', 'vonage'])('%s', (name) => {
  const preset = presetNamed(name)
  const { signing, verifying } = generateSecrets(preset)
  const [{ body }] = preset.samples
  const signed = (at: number) =>
    signRequest(preset, { secret: signing, body: JSON.stringify(body), url, now: at })

  it('takes no token that is older than five minutes, nor for another body', async () => {
    expect(await check(name, signed(now), [verifying])).toBe('accepted')
    const late = signed(now - 400_000)
    expect(await check(name, late, [verifying])).toMatch(/^stale/)
    const { headers } = signed(now)
    expect(await check(name, { headers, body: '{}' }, [verifying])).toMatch(/^mismatch: claim/)
  })
})
