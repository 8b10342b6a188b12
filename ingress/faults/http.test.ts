import { afterEach, describe, expect, it } from 'vitest'
import { topicDefaults } from '../../core/log/topics.ts'
import type { Source } from '../../core/registry/types.ts'
import { collectGarbage } from '../../test/garbage.ts'
import { genuineHeaders, makeSource } from '../testing/fakes.ts'
import { type Over, raw, type Started, startIngress } from '../testing/harness.ts'
import { refusalOf, sendDraft } from '../testing/send.ts'
import { createVerifier } from '../verifiers/create.ts'
import { draftOf, generateSecrets, presetNamed, signRequest } from '../verifiers/index.ts'
import type { Draft } from '../verifiers/types.ts'

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
const github = (body: string): Draft => ({
  method: 'POST',
  url: 'http://x/in/acme/github',
  headers: Object.entries(genuineHeaders(body)),
  body: Buffer.from(body),
})
const statusesOf = (text: string): string[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '')
const rawPost = (fields: string, body: string, path = '/in/acme/github'): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\n${Object.entries(genuineHeaders(body))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}${fields}\r\n${body}`

const at = 1_760_000_000_000
const publicUrl = 'https://hooks.example.com'

describe('what a request claims of its address', () => {
  it.each(['twilio', 'square', 'hubspot'])(
    'F72: %s signs the configured URL, whatever Host and X-Forwarded-* say',
    async (name) => {
      const pair = generateSecrets(presetNamed(name))
      const { port } = await start([makeSource({ name, provider: name })], {
        now: () => at,
        publicUrl,
        verifierFor: async () => createVerifier({ provider: name, secrets: [pair.verifying] }),
      })
      const signed = (url: string): Draft =>
        signRequest(presetNamed(name), {
          ...draftOf(presetNamed(name).samples[0]),
          secret: pair.signing,
          url: `${url}/in/acme/${name}`,
          now: at,
        })
      const lying = (draft: Draft): Draft => ({
        ...draft,
        headers: [
          ...draft.headers,
          ['host', 'evil.example'],
          ['x-forwarded-host', 'evil.example'],
          ['x-forwarded-proto', 'https'],
          ['x-original-url', '/in/globex/other'],
          ['forwarded', 'host=evil.example;proto=https'],
        ],
      })
      expect((await sendDraft(port, lying(signed(publicUrl)))).status).toBe(202)
      expect((await sendDraft(port, lying(signed('https://evil.example')))).status).toBe(401)
    },
  )

  it.each([
    'X-HTTP-Method-Override: DELETE',
    'X-Tenant-Id: globex',
    'X-Forwarded-Client-Cert: By=spiffe://evil;Hash=0',
    'X-Forwarded-Prefix: /in/globex',
    'X-Original-URL: /metrics',
    'X-Rewrite-URL: /v1/events',
  ])('F72: %s changes nothing', async (field) => {
    const { port, stored } = await start()
    const body = '{"n":1}'
    const length = `Content-Length: ${body.length}\r\nConnection: close\r\n`
    expect(statusesOf(await raw(port, rawPost(`${field}\r\n${length}`, body)))).toEqual(['202'])
    expect((await stored())[0]?.headers).toMatchObject({ tenant: 'acme', source: 'github' })
  })
})

describe('what a body claims', () => {
  it('F74: of internal fields and prototypes reaches nothing', async () => {
    const { port, stored, codec } = await start([makeSource({ ordering: 'tenant' })])
    const bodies = [
      '{"tenant":"globex","source":"other","decision":"deliver","_meta":{"id":"x"},"id":"mine","receivedAt":1,"facts":{"score":1}}',
      '{"__proto__":{"polluted":1,"tenant":"globex"},"n":2}',
      '{"constructor":{"prototype":{"polluted":1}},"n":3}',
      '{"\\u005f_proto__":{"polluted":1},"n":4}',
      '{"a":{"__proto__":{"polluted":1}},"n":5}',
      '{"tenant":"acme","tenant":"globex","n":6}',
    ]
    for (const body of bodies) {
      expect((await sendDraft(port, github(body))).status).toBe(202)
      expect(Object.prototype).not.toHaveProperty('polluted')
      expect({}).not.toHaveProperty('polluted')
    }
    const records = await stored()
    expect(records).toHaveLength(bodies.length)
    for (const { value, headers } of records) {
      expect(headers).toMatchObject({ tenant: 'acme', source: 'github' })
      const event = await codec.decode('event', value ?? new Uint8Array())
      expect(event).toMatchObject({ tenant: 'acme', source: 'github', facts: {} })
      expect(event.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
      expect(event.data).not.toHaveProperty('polluted')
      expect(event.key.startsWith('acme/github/') || !event.key.includes('globex')).toBe(true)
    }
  })
})

describe('sizes', () => {
  const sized = (size: number): string => `"${'x'.repeat(size - 2)}"`
  it('F70: a source raised to what the topics take: its limit is 202, one more is 413', async () => {
    const maxBody = topicDefaults.maxMessageBytes - 262_144
    const { port, stored } = await start([makeSource({ maxBody })])
    expect((await sendDraft(port, github(sized(maxBody)))).status).toBe(202)
    expect((await sendDraft(port, github(sized(maxBody + 1)))).status).toBe(413)
    expect(await stored()).toHaveLength(1)
  })

  it('F70: a record that no topic takes is 413 before it is appended', async () => {
    const { port, log } = await start([makeSource()], { maxRecordBytes: 10_000 })
    expect((await sendDraft(port, github(sized(20_000)))).status).toBe(413)
    expect(log.calls).toBe(0)
  })

  it('F70: a length that says too little or too much is never two requests', async () => {
    const { port, stored } = await start([makeSource()], {
      body: { deadlineMs: 600, graceMs: 300, minBytesPerSecond: 1_000 },
    })
    const body = '{"n":1}'
    // The rest is no request: what was whole is answered, then the connection ends.
    const short = await raw(port, rawPost(`Content-Length: ${body.length - 1}\r\n`, body), 2_000)
    expect(statusesOf(short)).toEqual(['401', '400'])
    const long = await raw(port, rawPost(`Content-Length: ${body.length + 1}\r\n`, body), 3_000)
    expect(statusesOf(long)).toEqual(['408'])
    expect(await stored()).toEqual([])
  })

  it('F70: endless chunked bodies cost no more than their limit', async () => {
    const { port } = await start([makeSource({ maxBody: 100_000 })])
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
    const endless = rawPost('Transfer-Encoding: chunked\r\n', chunk.repeat(200))
    const refused = async (): Promise<void> => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => raw(port, endless, 10_000)),
      )
      expect(answers.map(statusesOf)).toEqual(answers.map(() => ['413']))
    }
    await refused()
    collectGarbage()
    const before = process.memoryUsage().rss
    await refused()
    await refused()
    collectGarbage()
    expect(process.memoryUsage().rss - before).toBeLessThan(64_000_000)
  })

  it('F70: no client takes the room of all others', async () => {
    const { port } = await start([makeSource()], {
      maxBufferedBytes: 400_000,
      server: { trustedProxies: ['127.0.0.0/8'] },
      body: { deadlineMs: 5_000, graceMs: 4_000 },
    })
    const greedy = rawPost('X-Forwarded-For: 198.51.100.1\r\nContent-Length: 900000\r\n', '')
    const held = Array.from({ length: 3 }, () => raw(port, greedy + 'x'.repeat(90_000), 4_000))
    await expect
      .poll(async () => {
        const body = sized(60_000)
        const draft = github(body)
        const from = (client: string): Draft => ({
          ...draft,
          headers: [...draft.headers, ['x-forwarded-for', client]],
        })
        const own = await sendDraft(port, from('198.51.100.1'))
        const other = await sendDraft(port, from('198.51.100.2'))
        return [own.status, other.status]
      })
      .toEqual([503, 202])
    await Promise.all(held)
  })
})

describe('handshakes over HTTP', () => {
  it('F64: Slack and Meta get plain text for a proof, and nothing that could be a page without', async () => {
    const slack = generateSecrets(presetNamed('slack'))
    const meta = ['app-secret-1', 'verify:typed-at-meta']
    const sources = ['slack', 'meta'].map((name) => makeSource({ name, provider: name }))
    const { port, url, stored } = await start(sources, {
      now: () => at,
      publicUrl,
      verifierFor: async ({ name }) =>
        createVerifier({ provider: name, secrets: name === 'slack' ? [slack.verifying] : meta }),
    })
    const challenge = (text: string, secret = slack.signing): Draft =>
      signRequest(presetNamed('slack'), {
        secret,
        body: JSON.stringify({ type: 'url_verification', challenge: text }),
        headers: { 'content-type': 'application/json' },
        url: `${publicUrl}/in/acme/slack`,
        now: at,
      })
    const given = await sendDraft(port, challenge('3eZbrw1aB'))
    expect([given.status, given.body]).toEqual([200, '3eZbrw1aB'])
    expect(given.headers).toMatchObject({ 'x-content-type-options': 'nosniff' })
    expect(given.headers['content-type']).toMatch(/^text\/plain/)
    const refusals = new Set<string>()
    for (const probe of [
      '<script>alert(1)</script>',
      'https://evil.example?<b>',
      'x'.repeat(5_000),
      '',
    ])
      refusals.add(refusalOf(await sendDraft(port, challenge(probe))))
    refusals.add(refusalOf(await sendDraft(port, challenge('abc', 'another-secret-of-somebody'))))

    const get = (query: string): Promise<Response> =>
      fetch(`${url}/in/acme/meta?${query}`, { redirect: 'manual' })
    const ask = (token: string, text: string): string =>
      `hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=${encodeURIComponent(text)}`
    const answer = await get(ask('typed-at-meta', '1158201444'))
    expect([answer.status, await answer.text()]).toEqual([200, '1158201444'])
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/)
    for (const query of [
      ask('wrong', '1'),
      ask('typed-at-meta', '<svg onload=alert(1)>'),
      ask('typed-at-meta', '//evil.example\r\nLocation: x'),
      'hub.mode=subscribe&hub.challenge=1',
    ]) {
      const response = await get(query)
      const { request_id: _, ...rest } = (await response.json()) as Record<string, unknown>
      refusals.add(`${response.status} ${JSON.stringify(rest)}`)
      expect(response.headers.get('location')).toBeNull()
    }
    expect([...refusals]).toEqual([expect.stringMatching(/^401 /)])
    expect(await stored()).toEqual([])
  })
})
