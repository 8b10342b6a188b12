import { sign as signBody, verify as verifyBody } from '@octokit/webhooks-methods'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, it } from 'vitest'
import { presets } from '../providers/index.ts'
import { createVerifier, generateSecrets, signRequest } from './index.ts'
import { presetNamed } from './settings.ts'
import { splitUrl } from './view.ts'

// Vendors' own libraries read the real clock.
const now = Date.now()
const url = 'https://hooks.example.com/in/acme/source'

const bodies = [
  '{"id":"evt_1","type":"a.b"}',
  '{"text":"Grüße, 世界 🚀 \\u00e9"}',
  ' \n{"a": 1}\r\n',
  'no JSON at all',
]

/** Presets of vendors that follow Standard Webhooks. */
const hooks = presets
  .filter(({ schemes: [{ verify }] }) => verify.scheme === 'standard-webhooks')
  .map(({ name }) => name)

const ours = (provider: string, secret: string, body: string) => {
  const draft = signRequest(presetNamed(provider), {
    secret,
    body,
    url,
    now,
    id: 'msg_1',
    headers: { 'content-type': 'application/json' },
  })
  return { draft, headers: Object.fromEntries(draft.headers) }
}

const verified = (
  provider: string,
  secret: string,
  headers: Record<string, string>,
  body: string,
) =>
  createVerifier({ provider, secrets: [secret] }).verify(
    {
      method: 'POST',
      url,
      ...splitUrl(url),
      headers: Object.entries(headers),
      body: Buffer.from(body),
    },
    now,
  )

describe.each(bodies)('body %j', (body) => {
  const { signing: whsec } = generateSecrets(presetNamed('standard-webhooks'))
  const secret = 'a-secret-of-some-length'

  it('standardwebhooks accepts what we sign, and we what it signs', async () => {
    const library = new StandardWebhook(whsec)
    const { headers } = ours('standard-webhooks', whsec, body)
    const check = () => library.verify(body, headers)
    if (body.startsWith('no JSON')) expect(check).toThrow(SyntaxError)
    else expect(check).not.toThrow()
    const theirs = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now / 1_000)),
      'webhook-signature': library.sign('msg_1', new Date(now), body),
    }
    expect(await verified('standard-webhooks', whsec, theirs, body)).toMatchObject({ ok: true })
  })

  it('svix accepts what we sign, and we what it signs', async () => {
    const library = new SvixWebhook(whsec)
    const { headers } = ours('svix', whsec, body)
    const check = () => library.verify(body, headers)
    if (body.startsWith('no JSON')) expect(check).toThrow(SyntaxError)
    else expect(check).not.toThrow()
    const theirs = {
      'svix-id': 'msg_1',
      'svix-timestamp': String(Math.floor(now / 1_000)),
      'svix-signature': library.sign('msg_1', new Date(now), body),
    }
    expect(await verified('svix', whsec, theirs, body)).toMatchObject({ ok: true })
  })

  it.each(hooks)(
    'standardwebhooks, for %s, accepts what we sign and we what it signs',
    async (name) => {
      const library = new StandardWebhook(whsec)
      const { headers } = ours(name, whsec, body)
      const stem = 'svix-id' in headers ? 'svix' : 'webhook'
      const standard = Object.fromEntries(
        Object.entries(headers).map(([key, value]) => [key.replace(/^svix-/, 'webhook-'), value]),
      )
      const check = () => library.verify(body, standard)
      if (body.startsWith('no JSON')) expect(check).toThrow(SyntaxError)
      else expect(check).not.toThrow()
      const theirs = {
        [`${stem}-id`]: 'msg_1',
        [`${stem}-timestamp`]: String(Math.floor(now / 1_000)),
        [`${stem}-signature`]: library.sign('msg_1', new Date(now), body),
      }
      expect(await verified(name, whsec, theirs, body)).toMatchObject({ ok: true })
    },
  )

  it('standardwebhooks, with its key as text, accepts what we sign for Polar', async () => {
    const library = new StandardWebhook(Buffer.from(secret).toString('base64'))
    const { headers } = ours('polar', secret, body)
    const check = () => library.verify(body, headers)
    if (body.startsWith('no JSON')) expect(check).toThrow(SyntaxError)
    else expect(check).not.toThrow()
    const theirs = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now / 1_000)),
      'webhook-signature': library.sign('msg_1', new Date(now), body),
    }
    expect(await verified('polar', secret, theirs, body)).toMatchObject({ ok: true })
  })

  it('octokit accepts what we sign, and we what it signs', async () => {
    const { headers } = ours('github', secret, body)
    expect(await verifyBody(secret, body, headers['x-hub-signature-256'] ?? '')).toBe(true)
    const theirs = { 'x-hub-signature-256': await signBody(secret, body) }
    expect(await verified('github', secret, theirs, body)).toMatchObject({ ok: true })
  })

  it('stripe accepts what we sign, and we what it signs', async () => {
    const { webhooks } = new Stripe('sk_test_unused')
    const { headers } = ours('stripe', secret, body)
    const check = () =>
      webhooks.signature?.verifyHeader(body, headers['stripe-signature'] ?? '', secret)
    expect(check()).toBe(true)
    const theirs = {
      'stripe-signature': webhooks.generateTestHeaderString({
        payload: body,
        secret,
        timestamp: Math.floor(now / 1_000),
      }),
    }
    expect(await verified('stripe', secret, theirs, body)).toMatchObject({ ok: true })
  })
})
