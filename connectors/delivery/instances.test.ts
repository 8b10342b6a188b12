import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgress, type Egress } from '../../core/net/index.ts'
import { cleanups } from '../../test/fakes/delivery.ts'
import { type Answer, type Arrival, startReceiver } from '../../test/fakes/receiver.ts'
import { destinationOf, dispatchOf, hash, mapKv, secretsOf } from '../../test/fakes/rig.ts'
import { connectors } from '../index.ts'
import { attemptOnce } from './attempt.ts'
import { createInstances } from './instances.ts'

describe('secrets that a receiver echoes', () => {
  let egress: Egress
  beforeAll(() => {
    egress = createEgress({ grants: ['127.0.0.1'] })
  })
  afterAll(() => egress.close())

  /** What is kept of an attempt against a receiver that answers so. */
  const kept = async (
    connector: string,
    secrets: Readonly<Record<string, string>>,
    serve: (arrival: Arrival) => Answer,
    config: (url: string) => Readonly<Record<string, unknown>> = (url) => ({ url }),
  ): Promise<string> => {
    const receiver = await startReceiver(serve)
    cleanups.push(() => receiver.close())
    const values = Object.fromEntries(
      Object.entries(secrets).map(([role, value]) => [role, value.replace('<url>', receiver.url)]),
    )
    const instanceOf = createInstances(connectors, secretsOf(values), {
      ...{ egress, hash, kv: mapKv(), now: Date.now, timeoutMs: 2_000 },
    })
    const roles = Object.fromEntries(Object.keys(values).map((role) => [role, role]))
    const destination = destinationOf({ connector, config: config(receiver.url), secrets: roles })
    const { ending } = await attemptOnce({
      ...{ destination, dispatch: dispatchOf('hooks'), instance: instanceOf(destination) },
      ...{ number: 1, possibleDuplicate: false, forced: false, now: Date.now, random: () => 0.5 },
      transform: async () => undefined,
      signal: new AbortController().signal,
    })
    return JSON.stringify(ending)
  }
  const page = (text: string, status = 400): Answer => ({ status, body: text })
  /** No part of it that is worth anything. */
  const expectNone = (text: string, secret: string): void => {
    for (let at = 0; at + 8 <= secret.length; at += 1) {
      expect(text).not.toContain(secret.slice(at, at + 8))
    }
  }

  const signing = `whsec_${Buffer.alloc(32, 'a genuine key').toString('base64')}`

  it.each([0, 150, 170, 180, 190, 195, 199, 200])(
    'are taken out where the answer is cut, after %i characters',
    async (count) => {
      const body = `${'x'.repeat(count)}${signing}${'y'.repeat(300)}`
      const text = await kept('webhook', { signing }, () => page(body))
      expect(text).toContain('The receiver answered 400')
      expectNone(text, signing)
    },
  )

  it('are taken out of the words of Jira, ServiceNow and Slack where those are cut', async () => {
    const [long, email] = ['a-genuine-token-of-jira', 'bot@acme.test']
    const words = (count: number): string =>
      `${'x'.repeat(count)}${long} and more${'y'.repeat(300)}`
    const jira = JSON.stringify({ errorMessages: [words(290)] })
    const site = (url: string) => ({ baseUrl: url, project: 'OPS' })
    expectNone(await kept('jira', { email, token: long }, () => page(jira), site), long)
    const snow = JSON.stringify({ error: { message: words(290) } })
    const user = { username: 'zenhook-bot', password: long }
    const instance = (url: string) => ({ baseUrl: url })
    expectNone(await kept('servicenow', user, () => page(snow), instance), long)
    const refusal = JSON.stringify({ ok: false, error: words(70) })
    const channel = (url: string) => ({ channel: '#oncall', baseUrl: url })
    expectNone(await kept('slack', { token: long }, () => page(refusal, 200), channel), long)
  })

  it('are taken out as they were sent: user and password together', async () => {
    const echo = ({ headers }: Arrival): Answer =>
      page(`Bad gateway: ${headers.authorization}`, 502)
    const site = (url: string) => ({ baseUrl: url, project: 'OPS' })
    const secrets = { email: 'bot@acme.test', token: 'a-genuine-token' }
    const basic = Buffer.from(`${secrets.email}:${secrets.token}`).toString('base64')
    const text = await kept('jira', secrets, echo, site)
    expect(text).toContain('Bad gateway: Basic …')
    expectNone(text, basic)
  })

  it('are taken out as they were sent: a token that was fetched, a secret in a form', async () => {
    const token = 'fetched/token+of=the-instance'
    const clientSecret = 'a genuine/secret+of=client'
    const echo =
      (withToken: boolean) =>
      (arrival: Arrival): Answer => {
        if (arrival.url !== '/oauth_token.do') return page(`Sent: ${arrival.headers.authorization}`)
        const body = JSON.stringify({ access_token: token, expires_in: 1799 })
        return withToken ? { status: 200, body } : page(`Sent: ${arrival.body}`)
      }
    const instance = (url: string) => ({ baseUrl: url })
    const secrets = { clientId: 'the-client', clientSecret }
    const refused = await kept('servicenow', secrets, echo(true), instance)
    expect(refused).toContain('Sent: Bearer …')
    expectNone(refused, token)
    const unknown = await kept('servicenow', secrets, echo(false), instance)
    expect(unknown).toContain('grant_type=client_credentials')
    expectNone(unknown, new URLSearchParams({ '': clientSecret }).toString().slice(1))
  })

  it('are taken out without the host of a URL that is one as a whole', async () => {
    const path = '/services/T000/B000/a-genuine-hook'
    const echo = ({ url }: Arrival): Answer => page(`The requested URL ${url} was not found`, 404)
    const text = await kept('slack', { url: `<url>${path}` }, echo, () => ({}))
    expect(text).toContain('The requested URL … was not found')
    expectNone(text, 'a-genuine-hook')
  })

  it('are taken out of ids and channels, which are no longer than they need to be', async () => {
    const token = 'xoxb-a-genuine-token'
    const body = JSON.stringify({ ok: true, ts: `${'1'.repeat(60_000)}`, channel: `C ${token}` })
    const channel = (url: string) => ({ channel: '#oncall', baseUrl: url })
    const text = await kept('slack', { token }, () => page(body, 200), channel)
    expect(text).toContain('"channel":"C …"')
    expectNone(text, token)
    expect(text.length).toBeLessThan(1_000)
  })
})
