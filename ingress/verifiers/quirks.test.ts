import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { rewritten } from './body.ts'
import { presetNamed } from './settings.ts'
import { signRequest } from './sign.ts'
import { now, type Sketch, url, verdict, verifyWith } from './testing.ts'

const secret = 'a-secret-of-some-length'
const mac = (text: string, encoding: 'hex' | 'base64' = 'hex', algorithm = 'sha256') =>
  createHmac(algorithm, secret).update(text).digest(encoding)

const check = async (provider: string, sketch: Sketch, secrets: readonly string[] = [secret]) =>
  verdict(await verifyWith({ provider, secrets }, sketch))

describe('GitHub', () => {
  const sha1 = { 'X-Hub-Signature': `sha1=${mac('{}', 'hex', 'sha1')}` }
  it('is refused with its old SHA-1 alone', async () => {
    expect(await check('github', { headers: sha1, body: '{}' })).toBe(
      'missing: header x-hub-signature-256',
    )
  })

  it('is refused when SHA-1 stands in the place of SHA-256', async () => {
    const headers = { 'X-Hub-Signature-256': sha1['X-Hub-Signature'] }
    expect(await check('github', { headers, body: '{}' })).toBe(
      'malformed: signature has no sha256=',
    )
    const bare = { 'X-Hub-Signature-256': `sha256=${mac('{}', 'hex', 'sha1')}` }
    expect(await check('github', { headers: bare, body: '{}' })).toBe('malformed: signature length')
  })

  it('finds the type in a form that holds the JSON', async () => {
    const body = `payload=${encodeURIComponent('{"action":"opened"}')}`
    const headers = {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-GitHub-Event': 'issues',
      'X-Hub-Signature-256': `sha256=${mac(body)}`,
    }
    expect(
      await verifyWith({ provider: 'github', secrets: [secret] }, { headers, body }),
    ).toMatchObject({
      type: 'issues.opened',
    })
  })
})

describe('GitLab', () => {
  const token = 'an-old-secret-token'
  const whsec = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const signed = signRequest(presetNamed('gitlab'), {
    secret: whsec,
    body: '{}',
    url,
    now,
    id: 'id-1',
  })

  it('is held to the signature that it claims, whatever token comes with it', async () => {
    const headers = [...signed.headers, ['X-Gitlab-Token', token] as const]
    const both = [token, whsec]
    expect(await check('gitlab', { headers, body: '{}' }, both)).toBe('accepted')
    expect(await check('gitlab', { headers, body: '[]' }, both)).toBe('mismatch: hmac')
    expect(await check('gitlab', { headers, body: '{}' }, [token])).toBe(
      'mismatch: no secret of the kind signing-token',
    )
  })

  it('takes no signing token for a token', async () => {
    const headers = { 'X-Gitlab-Token': whsec }
    expect(await check('gitlab', { headers }, [whsec])).toBe(
      'mismatch: no secret of the kind secret-token',
    )
    expect(await check('gitlab', { headers: { 'X-Gitlab-Token': token } }, [token])).toBe(
      'accepted',
    )
  })
})

describe('HubSpot', () => {
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  const v1 = { 'X-HubSpot-Signature': sha(`${secret}{}`) }
  const v3 = (to: string) => ({
    'X-HubSpot-Request-Timestamp': `${now}`,
    'X-HubSpot-Signature-v3': mac(`POST${to}{}${now}`, 'base64'),
  })

  it('is held to v3 where it is claimed, to v2 where it is named, and never taken for v1', async () => {
    expect(await check('hubspot', { headers: v1, body: '{}' })).toBe('accepted')
    const broken = { ...v1, ...v3(url), 'X-HubSpot-Signature-v3': mac('', 'base64') }
    expect(await check('hubspot', { headers: broken, body: '{}' })).toBe('mismatch: hmac')
    for (const version of ['v2', 'v4', 'v3', '']) {
      const headers = { ...v1, 'X-HubSpot-Signature-Version': version }
      expect(await check('hubspot', { headers, body: '{}' })).not.toBe('accepted')
    }
  })

  it('takes no longer message under a digest that was lengthened, nor its copy for another event', async () => {
    const signed = (body: string | Uint8Array) => ({
      headers: {
        'X-HubSpot-Signature': createHash('sha256').update(secret).update(body).digest('hex'),
      },
      body,
    })
    // What SHA-256 itself appends, and then what somebody else does.
    const padding = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(20), Buffer.from([1, 0x38])])
    const longer = Buffer.concat([Buffer.from('[]'), padding, Buffer.from('[{"eventId":1}]')])
    expect(await check('hubspot', signed(longer))).toBe('malformed: body is not UTF-8')
    const idOf = async (fields: object) => {
      const event = { eventId: 1, subscriptionId: 2, occurredAt: 3, attemptNumber: 0, ...fields }
      const request = signed(JSON.stringify([event]))
      const verified = await verifyWith({ provider: 'hubspot', secrets: [secret] }, request)
      return verified.ok ? verified.deliveryId : verdict(verified)
    }
    expect(await idOf({ attemptNumber: 1 })).toBe('1:2:3')
    expect(await idOf({ occurredAt: 4 })).toBe('1:2:4')
  })

  it('signs its URL decoded or as it is', async () => {
    const odd = 'https://hooks.example.com/in/acme/hubspot?x=%3A%2F%40%26'
    for (const to of [odd, 'https://hooks.example.com/in/acme/hubspot?x=:/@%26'])
      expect(await check('hubspot', { url: odd, headers: v3(to), body: '{}' })).toBe('accepted')
    const wrong = v3('https://hooks.example.com/in/acme/hubspot?x=:/@&')
    expect(await check('hubspot', { url: odd, headers: wrong, body: '{}' })).toBe('mismatch: hmac')
  })
})

describe('Twilio', () => {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const sign = (text: string) => ({ 'X-Twilio-Signature': mac(text, 'base64', 'sha1') })
  const quote = "https://hooks.example.com/t?a=it's"
  const escaped = quote.replace("'", '%27')

  it('signs an apostrophe as %27 alone', async () => {
    for (const to of [quote, escaped]) {
      expect(await check('twilio', { url: to, headers: sign(escaped) })).toBe('accepted')
      expect(await check('twilio', { url: to, headers: sign(quote) })).toBe('mismatch: hmac')
    }
  })

  it('signs with or without the port of its scheme', async () => {
    const bare = 'https://hooks.example.com/t?a=1'
    const port = 'https://hooks.example.com:443/t?a=1'
    for (const signed of [bare, port])
      for (const to of [bare, port])
        expect(await check('twilio', { url: to, headers: sign(signed) })).toBe('accepted')
    expect(
      await check('twilio', { url: bare, headers: sign('https://hooks.example.com:80/t?a=1') }),
    ).toBe('mismatch: hmac')
  })

  it('never leaves a body uncovered', async () => {
    const headers = { 'Content-Type': 'application/json', ...sign(url) }
    expect(await check('twilio', { headers, body: '{}' })).toMatch(/^malformed: body is no form/)
    const digest = createHash('sha256').update('{}').digest('hex')
    const to = `${url}&bodySHA256=${digest}`
    expect(await check('twilio', { url: to, headers: sign(to), body: '{}' })).toBe('accepted')
    expect(await check('twilio', { url: to, headers: sign(to), body: '[]' })).toBe(
      'mismatch: body digest',
    )
    const twice = `${to}&bodySHA256=${createHash('sha256').update('[]').digest('hex')}`
    expect(await check('twilio', { url: twice, headers: sign(twice), body: '[]' })).toMatch(
      /^malformed: query/,
    )
  })

  it('sorts names, and the values of a name once each', async () => {
    const body = 'b=2&a=1&b=1&b=2&__proto__=x'
    expect(
      await check('twilio', { headers: { ...form, ...sign(`${url}__proto__xa1b1b2`) }, body }),
    ).toBe('accepted')
  })
})

describe('Adyen', () => {
  const key = 'ab'.repeat(32)
  const preset = presetNamed('adyen')
  const [sample] = preset.samples
  const { body } = signRequest(preset, { secret: key, body: JSON.stringify(sample.body), url, now })
  const item = 'notificationItems.0.NotificationRequestItem'

  it.each([
    'pspReference',
    'merchantReference',
    'eventCode',
    'success',
    'amount.value',
    'amount.currency',
  ])('covers %s', async (path) => {
    const changed = rewritten(body, { [`${item}.${path}`]: 'other' })
    expect(await check('adyen', { body: changed }, [key])).toBe('mismatch: hmac')
  })

  it('wants every item signed, and no item hidden', async () => {
    const {
      notificationItems: [first],
    } = JSON.parse(Buffer.from(body).toString()) as { notificationItems: unknown[] }
    const second = JSON.parse(JSON.stringify(first).replace('1130', '9999')) as unknown
    const two = (other: unknown) => JSON.stringify({ notificationItems: [first, other] })
    expect(await check('adyen', { body: two(first) }, [key])).toBe('malformed: body')
    expect(await check('adyen', { body: two(second) }, [key])).toBe('mismatch: hmac')
    expect(await check('adyen', { body: two({}) }, [key])).toMatch(/^missing/)
    const text = Buffer.from(body).toString()
    const doubled = text.replace('"value":1130', '"value":1,"value":1130')
    expect(await check('adyen', { body: doubled }, [key])).toBe('malformed: body')
  })

  it('is held to the header of its banking webhooks where that is there', async () => {
    const headers = { HmacSignature: mac('{}', 'base64') }
    expect(await check('adyen', { headers, body }, [key])).toBe('mismatch: hmac')
  })
})

describe('Grafana', () => {
  it('takes no time and body that were signed together for a body', async () => {
    const both = `${now / 1_000}:{}`
    const signature = { 'X-Grafana-Alerting-Signature': mac(both) }
    const headers = { ...signature, 'X-Grafana-Alerting-Signature-Timestamp': `${now / 1_000}` }
    expect(await check('grafana', { headers, body: '{}' })).toBe('accepted')
    expect(await check('grafana', { headers: signature, body: both })).toMatch(/^mismatch/)
  })
})

describe('Mailgun', () => {
  const token = 'a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0'
  const time = String(now / 1_000)
  const bodyOf = (timestamp: string, own: string) =>
    JSON.stringify({
      signature: { timestamp, token: own, signature: mac(time + token) },
      'event-data': { event: 'x' },
    })

  it('cannot be shifted between time and token', async () => {
    expect(await check('mailgun', { body: bodyOf(time, token) })).toBe('accepted')
    expect(
      await check('mailgun', { body: bodyOf(time.slice(0, -1), time.slice(-1) + token) }),
    ).toBe('malformed: body field signature.token')
  })

  it('is told a replay by its token, whatever event comes with it', async () => {
    const options = { provider: 'mailgun', secrets: [secret] }
    const body = bodyOf(time, token)
    const [one, other] = [
      await verifyWith(options, { body }),
      await verifyWith(options, { body: body.replace('"x"', '"y"') }),
    ]
    expect(one).toMatchObject({ ok: true, nonce: `id:${token}`, bodyCovered: false })
    expect(other).toMatchObject({ ok: true, nonce: `id:${token}` })
  })
})

describe('times', () => {
  it.each([
    '',
    ' 1760000000',
    '+1760000000',
    '01760000000',
    '1760000000.0',
    '1.76e9',
    '0x68E7',
    '-1',
    '1760000000,1760000000',
  ])('are whole numbers without ornament, not %j', async (time) => {
    const headers = {
      'X-Slack-Request-Timestamp': time,
      'X-Slack-Signature': `v0=${mac(`v0:${time}:{}`)}`,
    }
    expect(await check('slack', { headers, body: '{}' })).toMatch(/^malformed/)
  })

  it('cannot borrow digits of the body', async () => {
    const at = '2025-10-09T08:53:20Z'
    const headers = {
      'X-Zendesk-Webhook-Signature-Timestamp': at,
      'X-Zendesk-Webhook-Signature': mac(`${at}{}`, 'base64'),
    }
    expect(await check('zendesk', { headers, body: '{}' })).toBe('accepted')
    const moved = { ...headers, 'X-Zendesk-Webhook-Signature-Timestamp': at.slice(0, -1) }
    expect(await check('zendesk', { headers: moved, body: 'Z{}' })).toBe('malformed: timestamp')
  })
})

describe('Meta', () => {
  it('names a message once, and each state of it', async () => {
    const value = (inner: unknown) => ({
      object: 'whatsapp',
      entry: [{ changes: [{ field: 'messages', value: inner }] }],
    })
    const idOf = async (inner: unknown) => {
      const body = JSON.stringify(value(inner))
      const headers = { 'X-Hub-Signature-256': `sha256=${mac(body)}` }
      const verified = await verifyWith({ provider: 'meta', secrets: [secret] }, { headers, body })
      return verified.ok ? verified.deliveryId : verdict(verified)
    }
    expect(await idOf({ messages: [{ id: 'wamid.1' }] })).toBe('wamid.1')
    const state = (status: string) => ({ statuses: [{ id: 'wamid.1', status }] })
    expect(await idOf(state('sent'))).not.toBe(await idOf(state('read')))
    expect(await idOf({})).toBeUndefined()
  })

  it('tells a message that was taken back from itself', async () => {
    const idOf = async (message: object) => {
      const body = JSON.stringify({ object: 'instagram', entry: [{ messaging: [{ message }] }] })
      const headers = { 'X-Hub-Signature-256': `sha256=${mac(body)}` }
      const verified = await verifyWith({ provider: 'meta', secrets: [secret] }, { headers, body })
      return verified.ok ? verified.deliveryId : verdict(verified)
    }
    expect(await idOf({ mid: 'm1', text: 'hello' })).toBe('m1')
    expect(await idOf({ mid: 'm1', is_deleted: true })).toBe('m1:true')
  })
})
