import { describe, expect, it } from 'vitest'
import { verifyRecord } from './debug.ts'

const github = {
  provider: 'github',
  secrets: ["It's a Secret to Everybody"],
  headers: {
    'X-Hub-Signature-256':
      'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
    'X-GitHub-Event': 'push',
    'X-GitHub-Delivery': 'd-1',
  },
  body: 'Hello, World!',
}

describe('the signature debugger', () => {
  it('says what a genuine record is', async () => {
    const expected = { ok: true, reason: null, step: null, deliveryId: 'd-1', type: 'push' }
    expect(await verifyRecord(github)).toEqual(expected)
    const body = Buffer.from(github.body).toString('base64')
    expect(await verifyRecord({ ...github, body, bodyEncoding: 'base64' })).toEqual(expected)
  })

  it('says which step failed', async () => {
    const none = { deliveryId: null, type: null }
    expect(await verifyRecord({ ...github, body: 'Hello' })).toEqual({
      ok: false,
      reason: 'mismatch',
      step: 'hmac',
      ...none,
    })
    expect(await verifyRecord({ ...github, headers: {} })).toEqual({
      ok: false,
      reason: 'missing',
      step: 'header x-hub-signature-256',
      ...none,
    })
  })

  it('keeps repeated headers apart', async () => {
    const value = github.headers['X-Hub-Signature-256']
    const headers = { 'X-Hub-Signature-256': [value, value] }
    expect(await verifyRecord({ ...github, headers })).toMatchObject({
      ok: false,
      reason: 'malformed',
    })
    const twoNames = { 'X-Hub-Signature-256': value, 'x-hub-signature-256': value }
    expect(await verifyRecord({ ...github, headers: twoNames })).toMatchObject({
      ok: false,
      reason: 'malformed',
    })
  })

  it('tells the time as it is told', async () => {
    const slack = {
      provider: 'slack',
      secrets: ['8f742231b10e8888abcd99yyyzzz85a5'],
      headers: {
        'X-Slack-Request-Timestamp': '1531420618',
        'X-Slack-Signature': `v0=${'0'.repeat(64)}`,
      },
      body: 'x',
    }
    for (const at of ['2018-07-12T18:36:58.000Z', '2018-07-12T20:36:58+02:00', 1_531_420_618_000])
      expect(await verifyRecord({ ...slack, at })).toMatchObject({ step: 'hmac' })
    await expect(verifyRecord({ ...slack, at: 'yesterday' })).rejects.toMatchObject({
      code: 'ZENHOOK_VERIFY_RECORD',
    })
  })

  it('passes over secrets that cannot be used, and says so where none can', async () => {
    const record = {
      provider: 'standard-webhooks',
      secrets: ['whsec_!', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      body: '{"test": 2432232314}',
      at: '2021-02-25T15:02:10Z',
    }
    expect(await verifyRecord(record)).toMatchObject({ ok: true })
    expect(await verifyRecord({ ...record, secrets: ['whsec_!'] })).toMatchObject({
      ok: false,
      reason: 'mismatch',
      step: 'secret: Secret 1 is not whsec_ followed by base64',
    })
    expect(await verifyRecord({ ...record, secrets: [] })).toMatchObject({
      ok: false,
      reason: 'mismatch',
    })
  })

  it('answers where a key cannot be had', async () => {
    const record = {
      provider: 'aws-sns',
      secrets: ['arn:aws:sns:us-east-1:123456789012:alarms'],
      body: '{}',
    }
    expect(await verifyRecord(record)).toMatchObject({
      ok: false,
      reason: 'mismatch',
      step: expect.stringMatching(/^key: /),
    })
  })

  it('takes null for what is not there', async () => {
    const record = {
      ...github,
      method: null,
      url: null,
      at: null,
      bodyEncoding: null,
      verify: null,
    }
    expect(await verifyRecord(record)).toMatchObject({ ok: true })
    expect(await verifyRecord({ ...record, headers: null, body: null })).toMatchObject({
      reason: 'missing',
    })
  })

  it('verifies a scheme spelled out', async () => {
    const verify = { scheme: 'hmac', header: 'x-hub-signature-256', prefix: 'sha256=' }
    const { provider: _, ...record } = github
    expect(await verifyRecord({ ...record, verify })).toMatchObject({ ok: true, type: 'event' })
  })

  it('refuses what it cannot understand, with the nearest name', async () => {
    await expect(verifyRecord({ ...github, provider: 'gihub' })).rejects.toMatchObject({
      code: 'ZENHOOK_VERIFY_UNKNOWN_PROVIDER',
      fix: 'Did you mean github?',
    })
    for (const record of [
      null,
      [],
      'x',
      {},
      { ...github, secrets: 'x' },
      { ...github, headers: { a: 1 } },
    ])
      await expect(verifyRecord(record)).rejects.toMatchObject({
        code: expect.stringMatching(/^ZENHOOK_VERIFY_/),
      })
  })
})
