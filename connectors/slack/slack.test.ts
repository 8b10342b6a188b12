import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createEgress, type Egress } from '../../core/net/index.ts'
import { contextOf, destinationOf, dispatchOf, eventOf, mapKv } from '../../test/fakes/rig.ts'
import { type FakeSlack, startFakeSlack } from '../../test/fakes/slack.ts'
import { connectorContract } from '../contract.ts'
import type { AttemptResult } from '../types.ts'
import { slack } from './index.ts'
import { escaped } from './message.ts'

connectorContract('slack, by token', {
  kind: slack,
  start: startFakeSlack,
  destination: ({ url }) => ({ connector: 'slack', config: { channel: '#oncall', baseUrl: url } }),
  secrets: ({ token }) => ({ token: [token] }),
  wrongSecrets: { token: ['xoxb-stolen'] },
  effects: ({ messages }) => messages.length,
})

connectorContract('slack, by incoming webhook', {
  kind: slack,
  start: startFakeSlack,
  destination: () => ({ connector: 'slack', config: {} }),
  secrets: ({ hookUrl }) => ({ url: [hookUrl] }),
  effects: ({ messages }) => messages.length,
})

describe('slack', () => {
  let fake: FakeSlack
  let egress: Egress
  beforeAll(async () => {
    fake = await startFakeSlack()
    egress = createEgress({ grants: ['127.0.0.1'] })
  })
  afterEach(() => {
    fake.messages.length = 0
    fake.faults.length = 0
    fake.refusals.length = 0
    fake.refusalStatus = 200
  })
  afterAll(async () => {
    await egress.close()
    await fake.close()
  })

  const send = (
    fields: {
      config?: object
      secrets?: Readonly<Record<string, readonly string[]>>
      facts?: Readonly<Record<string, unknown>>
      transformed?: unknown
    } = {},
  ): Promise<AttemptResult> => {
    const config = { channel: '#oncall', baseUrl: fake.url, ...fields.config }
    const destination = destinationOf({ connector: 'slack', config })
    const secrets = fields.secrets ?? { token: [fake.token] }
    const dispatch = dispatchOf('hooks', { event: eventOf({ facts: fields.facts ?? {} }) })
    const { transformed } = fields
    return slack
      .create(contextOf(destination, egress, mapKv(), secrets))
      .deliver({ dispatch, number: 1, transformed }, new AbortController().signal)
  }
  const payload = (): Record<string, unknown> => fake.messages[0]?.payload ?? {}

  it('writes a message of the facts, and gives its timestamp as the external id', async () => {
    const facts = {
      title: 'Build failed',
      severity: 'high',
      status: 'failed',
      resource: 'acme/app',
      url: 'https://ci.example.com/1?a=1&b=2',
    }
    expect(await send({ facts })).toMatchObject({
      kind: 'delivered',
      externalId: '1700000000.000001',
      details: { channel: 'C0000001' },
    })
    expect(payload()).toMatchObject({ channel: '#oncall', unfurl_links: false })
    const text = JSON.stringify(payload())
    expect(text).toContain('*<https://ci.example.com/1?a=1&amp;b=2|Build failed>*')
    for (const part of ['severity: high', 'status: failed', 'acme/app']) {
      expect(text).toContain(part)
    }
  })

  it('F78: lets no text of strangers mention anybody, nor link to what it does not show', async () => {
    const title = '<!channel> & <https://evil.example|click> <@U1>'
    await send({ facts: { title, resource: '<!here>', url: 'https://x.example/|>a' } })
    const text = JSON.stringify(payload())
    for (const part of ['<!channel>', '<!here>', '<@U1>', '<https://evil.example|']) {
      expect(text).not.toContain(part)
    }
    // The one link is ours, and what strangers wrote neither ends it nor begins another.
    expect(text.match(/<[^>]*>/g)).toEqual([
      '<https://x.example/%7C&gt;a|&lt;!channel&gt; &amp; &lt;https://evil.example/click&gt; &lt;@U1&gt;>',
    ])
    expect(escaped('a<b>&c')).toBe('a&lt;b&gt;&amp;c')
  })

  it('takes the transform as the payload, but not its choice of channel', async () => {
    fake.channels.add('#elsewhere')
    await send({ transformed: { text: '*raw*', channel: '#elsewhere' } })
    expect(fake.messages[0]).toMatchObject({ channel: '#oncall', payload: { text: '*raw*' } })
    await send({
      config: { channel: undefined },
      transformed: { text: 'x', channel: '#elsewhere' },
    })
    expect(fake.messages[1]?.channel).toBe('#elsewhere')
    expect(await send({ config: { channel: undefined } })).toMatchObject({ reason: 'no_channel' })
    expect(await send({ transformed: 'plain words' })).toMatchObject({ kind: 'delivered' })
    expect(fake.messages.at(-1)?.payload.text).toBe('plain words')
  })

  it('is delivered where the answer echoes more than is read, and only where it is a success', async () => {
    const transformed = { text: 'x'.repeat(70_000) }
    const result = await send({ transformed })
    expect(result).toMatchObject({ kind: 'delivered', details: { channel: '#oncall' } })
    expect(result).not.toHaveProperty('externalId')
    fake.faults.push({ status: 200, body: `<html>${'x'.repeat(70_000)}` })
    expect(await send({ transformed })).toMatchObject({ reason: 'malformed_answer' })
  })

  it.each([
    ['ratelimited', true],
    ['internal_error', true],
    ['service_unavailable', true],
    ['org_login_required', true],
    ['not_in_channel', false],
    ['is_archived', false],
    ['token_revoked', false],
    ['missing_scope', false],
    ['msg_too_long', false],
  ])('classifies %s inside of 200', async (word, retriable) => {
    fake.refusals.push(word)
    expect(await send()).toMatchObject({ kind: 'failed', status: 200, reason: word, retriable })
  })

  it.each([429, 500, 503])('tries again after %i, whatever the word', async (status) => {
    fake.refusalStatus = status
    for (const word of ['some_new_word', 'org_login_required', 'invalid_auth', 'no_service']) {
      fake.refusals.push(word)
      const result = await send()
      expect(result).toMatchObject({ kind: 'failed', status, retriable: true })
      expect(result).not.toHaveProperty('disable')
    }
  })

  it('does not repeat blindly what it does not understand', async () => {
    fake.refusals.push('some_new_word')
    expect(await send()).toMatchObject({ reason: 'slack_other', retriable: false })
    expect(await send({ config: { channel: '#nowhere' } })).toMatchObject({
      reason: 'channel_not_found',
      retriable: false,
    })
    fake.faults.push({
      status: 429,
      headers: { 'retry-after': '3' },
      body: '{"ok":false,"error":"ratelimited"}',
    })
    expect(await send()).toMatchObject({ reason: 'ratelimited', retryAfterMs: 3_000 })
  })

  it.each([
    ['invalid_payload', { retriable: false }],
    ['no_service', { retriable: false, disable: true }],
    ['channel_is_archived', { retriable: false, disable: true }],
    ['action_prohibited', { retriable: false }],
    ['rollup_error', { retriable: true }],
  ])('classifies %s of an incoming webhook, and never shows its URL', async (word, expected) => {
    fake.refusals.push(word)
    const result = await send({ secrets: { url: [fake.hookUrl] } })
    expect(result).toMatchObject({ kind: 'failed', reason: word, ...expected })
    expect(JSON.stringify(result)).not.toContain('/services/')
  })

  it('needs a credential', async () => {
    expect(await send({ secrets: {} })).toMatchObject({ reason: 'not_authed', retriable: false })
  })
})
