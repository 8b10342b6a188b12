import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { presets } from '../../ingress/providers/index.ts'
import { makeSource } from '../../ingress/testing/fakes.ts'
import { raw, type Started, startIngress } from '../../ingress/testing/harness.ts'
import { sendDraft } from '../../ingress/testing/send.ts'
import { createVerifier } from '../../ingress/verifiers/create.ts'
import { generateSecrets, signRequest } from '../../ingress/verifiers/index.ts'
import type { Draft, SecretPair, Verifier } from '../../ingress/verifiers/types.ts'
import { runs, timeout } from './settings.ts'

const at = 1_760_000_000_000
const publicUrl = 'https://hooks.example.com'
const pairs = new Map<string, SecretPair>(
  presets.map((preset) => [preset.name, generateSecrets(preset)]),
)

let started: Started
beforeAll(async () => {
  const verifiers = new Map<string, Verifier>()
  for (const { name } of presets)
    verifiers.set(
      name,
      createVerifier({ provider: name, secrets: [pairs.get(name)?.verifying ?? ''] }),
    )
  const limit = { perSecond: 100_000, burst: 1_000_000 }
  started = await startIngress(
    presets.map(({ name }) => makeSource({ name, provider: name, contentEncoding: 'sent' })),
    {
      now: () => at,
      publicUrl,
      failures: limit,
      failuresAnywhere: limit,
      body: { deadlineMs: 300, graceMs: 150 },
      server: { headersTimeoutMs: 500, requestTimeoutMs: 1_000 },
      verifierFor: async ({ name }) => {
        const found = verifiers.get(name)
        if (found === undefined) throw new Error(`no verifier of ${name}`)
        return found
      },
    },
  )
})
afterAll(() => started.close())

const contentType = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'application/cloudevents+json',
  'text/plain',
  '',
  '*/*',
  'multipart/form-data; boundary=x',
)
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.json().map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text.slice(0, -1))),
  fc.webQueryParameters().map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(`payload=${encodeURIComponent(text)}`)),
)

it('any signed body at any preset is stored or refused, never an error of ours', {
  timeout,
}, async () => {
  const seen: Record<string, number> = {}
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...presets),
      contentType,
      body,
      async (preset, type, bytes) => {
        const url = `${publicUrl}/in/acme/${preset.name}`
        const { signing = '' } = pairs.get(preset.name) ?? {}
        const headers: [string, string][] = type === '' ? [] : [['content-type', type]]
        let draft: Draft = { method: 'POST', url, headers, body: bytes }
        try {
          draft = signRequest(preset, { secret: signing, body: bytes, headers, url, now: at })
        } catch {
          // A signature that lives in the body has no place in this one: then it comes unsigned.
        }
        const { status, body: answer } = await sendDraft(started.port, draft)
        seen[status] = (seen[status] ?? 0) + 1
        expect([200, 202, 400, 401, 415], `${preset.name}: ${status} ${answer}`).toContain(status)
      },
    ),
    runs('signed bodies', 400),
  )
  console.info(`fuzz: signed bodies: ${JSON.stringify(seen)}`)
  expect(seen[202]).toBeGreaterThan(0)
})

const line = fc.oneof(
  fc.constantFrom(
    ...['Host: x', 'Host: y', 'Content-Length: 2', 'Content-Length: 0', 'Content-Length: -1'],
    ...['Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'Content-Encoding: gzip'],
    ...[
      'Content-Type: application/json',
      'Content-Type: a/b',
      'Expect: 100-continue',
      'Connection: close',
    ],
    ...[
      'Connection: upgrade',
      'Upgrade: h2c',
      'X-Forwarded-For: ,,,',
      'Traceparent: 00-0-0-0',
      ' folded',
    ],
    ...[
      'X-Hub-Signature-256: sha256=00',
      'Trailer: x',
      'TE: trailers',
      ': nameless',
      'No colon',
      '',
    ],
  ),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const target = fc.oneof(
  fc.constantFrom(
    '/in/acme/github',
    '/in/acme/meta?hub.mode=subscribe',
    '/readyz',
    '*',
    '/in/%00/%ff',
    '//',
  ),
  fc.webPath(),
  fc.string({ maxLength: 20 }),
)
const method = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PRI',
  'get',
  'M-SEARCH',
)
const end = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\n\r\n')
const first = fc.constantFrom(['Host: x'], ['Host: x', 'Content-Length: 2'], [])

it('F68: any bytes of HTTP get answers below 500, or none', { timeout }, async () => {
  const seen: Record<string, number> = {}
  const exchange = async (text: string): Promise<void> => {
    const answer = await raw(started.port, text, 250)
    for (const [, status = ''] of answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      seen[status] = (seen[status] ?? 0) + 1
      expect(Number(status), JSON.stringify(text)).toBeLessThan(500)
    }
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(method, target, first, fc.array(line, { maxLength: 4 }), end, fc.string()),
        {
          minLength: 4,
          maxLength: 12,
        },
      ),
      async (requests) => {
        await Promise.all(
          requests.map(([verb, path, head, lines, stop, rest]) =>
            exchange(
              `${[`${verb} ${path} HTTP/1.1`, ...head, ...lines].join(stop)}${stop}${stop}${rest}`,
            ),
          ),
        )
        expect((await fetch(`${started.url}/healthz`)).status).toBe(200)
      },
    ),
    runs('raw requests', 25),
  )
  console.info(`fuzz: raw requests: ${JSON.stringify(seen)}`)
  expect(seen[400]).toBeGreaterThan(0)
})
