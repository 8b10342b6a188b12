import { generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createEgress, type Egress } from '../../core/net/index.ts'
import { type Receiver, startWebhookReceiver } from '../../test/fakes/receiver.ts'
import { contextOf, destinationOf, dispatchOf, eventOf, mapKv } from '../../test/fakes/rig.ts'
import type { Attempt, AttemptResult } from '../types.ts'
import { webhook } from './index.ts'

let receiver: Receiver
let egress: Egress
beforeAll(async () => {
  receiver = await startWebhookReceiver()
  egress = createEgress({ grants: ['127.0.0.1'] })
})
afterEach(() => {
  receiver.arrivals.length = 0
  receiver.faults.length = 0
})
afterAll(async () => {
  await egress.close()
  await receiver.close()
})

const send = (
  fields: { config?: object; signing?: readonly string[]; attempt?: Partial<Attempt> } = {},
): Promise<AttemptResult> => {
  const destination = destinationOf({ config: { url: `${receiver.url}/hook`, ...fields.config } })
  const context = contextOf(destination, egress, mapKv(), { signing: fields.signing ?? [] })
  return webhook
    .create(context)
    .deliver(
      { dispatch: dispatchOf('hooks'), number: 1, ...fields.attempt },
      new AbortController().signal,
    )
}
const arrived = () => {
  const [arrival] = receiver.arrivals
  if (arrival === undefined) throw new Error('nothing arrived')
  return arrival
}
const secretOf = (bytes = 32): string => `whsec_${randomBytes(bytes).toString('base64')}`

describe('a message', () => {
  it('carries the verified bytes and their content type unchanged', async () => {
    const raw = new Uint8Array([123, 34, 195, 40, 0, 255, 10])
    const event = eventOf({ raw, contentType: 'application/x-odd; charset=latin1' })
    const dispatch = dispatchOf('hooks', { event })
    expect(await send({ attempt: { dispatch } })).toEqual({ kind: 'delivered', status: 204 })
    expect(new Uint8Array(arrived().body)).toEqual(raw)
    expect(arrived().headers).toMatchObject({
      'content-type': 'application/x-odd; charset=latin1',
      'webhook-id': dispatch.id,
      'zenhook-event-id': event.id,
      'zenhook-event-type': 'check_run.completed',
      'zenhook-hops': '1',
      'zenhook-source-x-github-event': 'check_run',
    })
  })

  it('carries what the transform made, as JSON', async () => {
    await send({ attempt: { transformed: { text: 'hé' } } })
    expect(JSON.parse(arrived().body.toString())).toEqual({ text: 'hé' })
    expect(arrived().headers['content-type']).toBe('application/json')
  })

  it('is the child of the trace of its event', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const event = eventOf({ traceparent, tracestate: 'vendor=1' })
    await send({ attempt: { dispatch: dispatchOf('hooks', { event }) } })
    expect(arrived().headers.traceparent).toMatch(
      /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/,
    )
    expect(arrived().headers.tracestate).toBe('vendor=1')
  })

  it('F78: takes method and headers of the configuration, but none of its own and no line breaks', async () => {
    await send({ config: { method: 'PUT', headers: { 'X-Team': 'blue' } } })
    expect(arrived().method).toBe('PUT')
    expect(arrived().headers['x-team']).toBe('blue')
    const refused = ['webhook-id', 'Webhook-Signature', 'zenhook-hops', 'Host', 'content-length']
    for (const name of refused) {
      expect(() => send({ config: { headers: { [name]: 'x' } } })).toThrow(
        expect.objectContaining({ code: 'ZENHOOK_CONNECTOR_CONFIG_INVALID' }),
      )
    }
    for (const value of ['a\r\nx-injected: 1', 'a\nb', 'a\u0000b']) {
      expect(() => send({ config: { headers: { 'x-a': value } } })).toThrow()
    }
  })

  it('F78: cannot be broken by what the provider sent', async () => {
    const event = eventOf({
      type: 'order\r\nx-injected: 1',
      contentType: 'text/plain\r\nx-injected: 2',
      headers: { 'x-topic': 'größer\r\nx-injected: 3' },
    })
    expect(await send({ attempt: { dispatch: dispatchOf('hooks', { event }) } })).toMatchObject({
      kind: 'delivered',
    })
    expect(arrived().headers['x-injected']).toBeUndefined()
    expect(arrived().headers['zenhook-event-type']).toBe('order%0D%0Ax-injected: 1')
    expect(arrived().headers['zenhook-source-x-topic']).toBe('gr%C3%B6%C3%9Fer%0D%0Ax-injected: 3')
  })
})

describe('signatures', () => {
  it('verify under the reference libraries', async () => {
    const secret = secretOf()
    await send({ signing: [secret] })
    const { headers, body } = arrived()
    expect(new StandardWebhook(secret).verify(body.toString(), headers)).toBeTruthy()
    expect(new SvixWebhook(secret).verify(body.toString(), headers)).toBeTruthy()
    expect(() => new StandardWebhook(secret).verify(`${body} `, headers)).toThrow()
    expect(() => new StandardWebhook(secretOf()).verify(body.toString(), headers)).toThrow()
  })

  it('are made with old and new key during a rotation', async () => {
    const secrets = [secretOf(24), secretOf(64)]
    await send({ signing: secrets })
    const { headers, body } = arrived()
    for (const secret of secrets) {
      expect(new StandardWebhook(secret).verify(body.toString(), headers)).toBeTruthy()
    }
  })

  it('are made with ed25519 keys as v1a', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
    await send({ signing: [`whsk_${seed.toString('base64')}`] })
    const { headers, body } = arrived()
    const [version, signature] = headers['webhook-signature']?.split(',') ?? []
    expect(version).toBe('v1a')
    const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    expect(verify(null, signed, publicKey, Buffer.from(signature ?? '', 'base64'))).toBe(true)
  })

  it.each([
    ['no prefix', 'c2VjcmV0'],
    ['too short', secretOf(23)],
    ['too long', secretOf(65)],
    ['not base64', 'whsec_***'],
    ['a short private key', 'whsk_c2VjcmV0'],
  ])('are not made with a secret with %s, and its value is not shown', async (_why, secret) => {
    const result = await send({ signing: [secret] })
    expect(result).toMatchObject({ kind: 'failed', reason: 'secret_unavailable', retriable: true })
    expect(JSON.stringify(result)).not.toContain(secret)
    expect(receiver.arrivals).toEqual([])
  })
})

describe('a loop of routes', () => {
  it.each([
    ['0', 'delivered'],
    ['2', 'delivered'],
    ['3', 'failed'],
    ['99', 'failed'],
    ['none', 'failed'],
  ])('after %s hops: %s', async (hops, kind) => {
    const event = eventOf({ headers: { 'zenhook-hops': hops } })
    const result = await send({ attempt: { dispatch: dispatchOf('hooks', { event }) } })
    expect(result).toMatchObject(
      kind === 'delivered' ? { kind } : { kind, reason: 'hop_limit', retriable: false },
    )
    expect(receiver.arrivals.length).toBe(kind === 'delivered' ? 1 : 0)
  })
})

describe('an answer', () => {
  it.each([
    [301, { reason: 'http_301', retriable: true }],
    [400, { reason: 'http_400', retriable: false }],
    [401, { reason: 'http_401', retriable: false }],
    [403, { reason: 'http_403', retriable: false }],
    [404, { reason: 'http_404', retriable: false }],
    [408, { reason: 'http_408', retriable: true }],
    [410, { reason: 'http_410', retriable: false, disable: true }],
    [422, { reason: 'http_422', retriable: false }],
    [429, { reason: 'http_429', retriable: true }],
    [500, { reason: 'http_500', retriable: true }],
    [503, { reason: 'http_503', retriable: true }],
    [599, { reason: 'http_other', retriable: true }],
  ])('of %i is a failure', async (status, expected) => {
    receiver.faults.push({ status, headers: { location: `${receiver.url}/elsewhere` } })
    expect(await send()).toMatchObject({ kind: 'failed', status, ...expected })
    expect(receiver.arrivals.length).toBe(1)
  })

  it('with Retry-After says when', async () => {
    receiver.faults.push({ status: 429, headers: { 'retry-after': '7' } })
    expect(await send()).toMatchObject({ retryAfterMs: 7000 })
  })

  it('that never comes is a timeout, one that breaks off may be a duplicate', async () => {
    receiver.faults.push({ hang: true })
    expect(await send()).toMatchObject({
      reason: 'timeout',
      retriable: true,
      possibleDuplicate: true,
    })
    receiver.faults.push({ reset: 'after' })
    expect(await send()).toMatchObject({ reason: 'connection_failed', possibleDuplicate: true })
  })

  it('is not sought at private addresses without the wish and the grant', async () => {
    const destination = destinationOf({ allowPrivate: false, config: { url: receiver.url } })
    const result = await webhook
      .create(contextOf(destination, egress, mapKv()))
      .deliver({ dispatch: dispatchOf('hooks'), number: 1 }, new AbortController().signal)
    expect(result).toMatchObject({ reason: 'address_denied', retriable: false })
    expect(receiver.arrivals).toEqual([])
  })
})
