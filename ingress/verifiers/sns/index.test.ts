import { describe, expect, it, vi } from 'vitest'
import { rewritten } from '../body.ts'
import { createVerifier } from '../create.ts'
import { presetNamed } from '../settings.ts'
import { draftOf, generateSecrets, sampleOf, signRequest } from '../sign.ts'
import { now, requestOf, url, verdict, verifyWith } from '../testing.ts'
import { certificates } from './certificates.ts'
import { isSnsUrl } from './index.ts'

const preset = presetNamed('aws-sns')
const { signing, verifying } = generateSecrets(preset)
const topic = 'arn:aws:sns:us-east-1:123456789012:alarms'

const signed = (type: string, change: Record<string, unknown> = {}) => {
  const sample = sampleOf(preset, type) ?? preset.samples[0]
  const { body, headers = {} } = draftOf(sample)
  return signRequest(preset, {
    secret: signing,
    body: rewritten(Buffer.from(body), change),
    headers,
    url,
    now,
  })
}

const pinned = { provider: 'aws-sns', secrets: [verifying] }
const check = async (body: Uint8Array | string) => verdict(await verifyWith(pinned, { body }))

describe('what SNS signs', () => {
  const { body } = signed('Notification')

  it.each(['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn'])(
    'covers %s',
    async (name) => {
      const value = name === 'Timestamp' ? '2025-10-09T08:00:00.000Z' : 'other'
      expect(await check(rewritten(body, { [name]: value }))).toBe('mismatch: rsa')
    },
  )

  it('does not cover what is not listed, and says so', async () => {
    const changed = rewritten(body, { MessageAttributes: { a: 1 } })
    expect(await verifyWith(pinned, { body: changed })).toMatchObject({
      ok: true,
      bodyCovered: false,
      idCovered: true,
    })
  })

  it('lets no field pass for two', async () => {
    const text = JSON.parse(Buffer.from(body).toString()) as Record<string, string>
    const { Subject, MessageId, ...rest } = text
    const merged = JSON.stringify({ ...rest, MessageId: `${MessageId}\nSubject\n${Subject}` })
    expect(await check(merged)).toBe('malformed: body field MessageId')
  })

  it('takes no document that could be read in two ways', async () => {
    const text = Buffer.from(body).toString()
    expect(await check(text.replace('{', '{"Message":"other",'))).toBe('malformed: body')
    expect(await check(text.replace('{', '{"\\u004dessage":"other",'))).toBe('malformed: body')
    expect(await check(`\ufeff${text}`)).toBe('malformed: body')
  })

  it('accepts version 1 too, and no other', async () => {
    for (const version of ['0', '3', 'sha256', 2])
      expect(await check(rewritten(body, { SignatureVersion: version }))).toBe(
        'malformed: body field SignatureVersion',
      )
    expect(await check(rewritten(body, { SignatureVersion: '1' }))).toBe('mismatch: rsa')
  })

  it('F64: records a confirmation as an event, and checks the host that would be visited', async () => {
    expect(await verifyWith(pinned, signed('SubscriptionConfirmation'))).toMatchObject({
      ok: true,
      type: 'SubscriptionConfirmation',
    })
    const elsewhere = { SubscribeURL: 'https://sns.us-east-1.amazonaws.com.example.com/' }
    expect(() => signed('SubscriptionConfirmation', elsewhere)).toThrow(/SubscribeURL/)
  })
})

/** Of no key that is kept. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUPoKUl3NBzBxVCvclUJnalEFtL7gwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRc25zLmFtYXpvbmF3cy5jb20wIBcNMjYxMTMwMDExODE3WhgP
MjEyNjExMDYwMTE4MTdaMBwxGjAYBgNVBAMMEXNucy5hbWF6b25hd3MuY29tMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfLLM/wS7q4KaUe5cA0ALRhsyFkJiv9Ev
TVUcycAZgr7p0M3sO3Dabe2JhRx6kOb5HvdmirV+eGAlUW/1hrHQR6NTMFEwHQYD
VR0OBBYEFLiPBoXQnhhi4v1Fm8SzJSDj4w2LMB8GA1UdIwQYMBaAFLiPBoXQnhhi
4v1Fm8SzJSDj4w2LMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
AOr/sok/A+TAoPIzcVxwzZ2S42jybmRXYisUyqN0YeLgAiARCXK9ajDYQ0uQlr9y
Rlfg162oyI2APOd+VpIuhwbrdw==
-----END CERTIFICATE-----
`
const whileValid = Date.UTC(2030, 0, 1)

describe('F53: certificates', () => {
  it.each([
    ['https://sns.us-east-1.amazonaws.com/a.pem', true],
    ['https://sns.cn-north-1.amazonaws.com.cn/a.pem', true],
    ['http://sns.us-east-1.amazonaws.com/a.pem', false],
    ['https://sns.us-east-1.amazonaws.com:8443/a.pem', false],
    ['https://sns.us-east-1.amazonaws.com@example.com/a.pem', false],
    ['https://user@sns.us-east-1.amazonaws.com/a.pem', false],
    ['https://sns.us-east-1.amazonaws.com.example.com/a.pem', false],
    ['https://example.com/sns.us-east-1.amazonaws.com/a.pem', false],
    ['https://sns.us-east-1-amazonaws.com/a.pem', false],
    ['https://evil.sns.us-east-1.amazonaws.com/a.pem', false],
    ['https://sns.us-east-1.amazonaws.com\\@example.com/a.pem', false],
    ['//sns.us-east-1.amazonaws.com/a.pem', false],
  ])('come from %s: %s', async (address, allowed) => {
    expect(isSnsUrl(address)).toBe(allowed)
    const fetchKey = vi.fn(async () => verifying)
    const verifier = createVerifier({ provider: 'aws-sns', secrets: [topic], fetchKey })
    const body = rewritten(signed('Notification').body, { SigningCertURL: address })
    await verifier.verify(requestOf({ body }), now).catch(() => undefined)
    expect(fetchKey).toHaveBeenCalledTimes(allowed ? 1 : 0)
  })

  it('are asked for by pinned topics alone, and not without end', async () => {
    const fetchKey = vi.fn(async () => 'no certificate')
    const verifier = createVerifier({ provider: 'aws-sns', secrets: [topic], fetchKey })
    const { body } = signed('Notification')
    const other = rewritten(body, { TopicArn: 'arn:aws:sns:us-east-1:999999999999:alarms' })
    expect(verdict(await verifier.verify(requestOf({ body: other }), now))).toBe(
      'mismatch: body field TopicArn',
    )
    expect(fetchKey).not.toHaveBeenCalled()
    for (let i = 0; i < 100; i++) {
      const each = rewritten(body, {
        SigningCertURL: `https://sns.us-east-1.amazonaws.com/${i}.pem`,
      })
      await expect(verifier.verify(requestOf({ body: each }), now)).rejects.toMatchObject({
        code: 'ZENHOOK_VERIFY_KEY_FETCH',
      })
    }
    expect(fetchKey.mock.calls.length).toBeLessThanOrEqual(10)
  })

  it('are fetched again after a while, however many ask meanwhile; an old one serves until then', async () => {
    let fails = true
    const fetchKey = vi.fn(async () => {
      if (fails) throw new Error('no answer')
      return certificate
    })
    const keyFor = certificates(fetchKey, { keepMs: 400, failedMs: 200 })
    const ask = (): Promise<boolean> =>
      keyFor('https://sns.us-east-1.amazonaws.com/a.pem', whileValid).then(
        () => true,
        () => false,
      )
    const askFor = async (ms: number): Promise<boolean[]> => {
      const answers: boolean[] = []
      for (const end = performance.now() + ms; performance.now() < end; ) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        answers.push(await ask())
      }
      return answers
    }
    expect(await ask()).toBe(false)
    fails = false
    expect((await askFor(300)).at(-1)).toBe(true)
    expect(fetchKey).toHaveBeenCalledTimes(2)
    fails = true
    expect(await askFor(800)).not.toContain(false)
    expect(fetchKey.mock.calls.length).toBeGreaterThan(2)
  })

  it('are useless without a topic, for SNS signs for everybody', () => {
    expect(() =>
      createVerifier({ provider: 'aws-sns', secrets: [], fetchKey: async () => '' }),
    ).toThrow(expect.objectContaining({ code: 'ZENHOOK_VERIFY_SECRET_MISSING' }))
    const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'
    expect(() => createVerifier({ provider: 'aws-sns', secrets: [certificate] })).toThrow()
    expect(() => createVerifier({ provider: 'aws-sns', secrets: [topic] })).toThrow(/cannot fetch/)
  })
})
