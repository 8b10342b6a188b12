import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { replayIdOf } from '../../core/event/index.ts'
import { createEgress, type Egress } from '../../core/net/index.ts'
import { contextOf, destinationOf, dispatchOf, eventOf, hash, mapKv } from '../../test/fakes/rig.ts'
import { type FakeServiceNow, startFakeServiceNow } from '../../test/fakes/servicenow.ts'
import { connectorContract } from '../contract.ts'
import type { Attempt, AttemptResult } from '../types.ts'
import { queryValue, servicenow } from './index.ts'

const basic = ({ username, password }: FakeServiceNow) => ({
  username: [username],
  password: [password],
})

connectorContract('servicenow, by user', {
  kind: servicenow,
  start: startFakeServiceNow,
  destination: ({ url }) => ({ connector: 'servicenow', config: { baseUrl: url } }),
  secrets: basic,
  wrongSecrets: { username: ['zenhook'], password: ['stolen-password'] },
  effects: ({ rows }) => rows.size,
})

connectorContract('servicenow, by OAuth client', {
  kind: servicenow,
  start: startFakeServiceNow,
  destination: ({ url }) => ({ connector: 'servicenow', config: { baseUrl: url } }),
  secrets: ({ clientId, clientSecret }) => ({ clientId: [clientId], clientSecret: [clientSecret] }),
  wrongSecrets: { clientId: ['client'], clientSecret: ['stolen-secret'] },
  effects: ({ rows }) => rows.size,
})

describe('servicenow', () => {
  let fake: FakeServiceNow
  let egress: Egress
  let kv = mapKv()
  beforeAll(async () => {
    fake = await startFakeServiceNow()
    egress = createEgress({ grants: ['127.0.0.1'] })
  })
  beforeEach(() => {
    kv = mapKv()
    fake.rows.clear()
    fake.tokens.clear()
    fake.issued = 0
    fake.searches.length = 0
    fake.faults.length = 0
    fake.refusals.length = 0
    fake.correlated = true
    fake.readable = true
    fake.indexed = true
    fake.made = 0
    fake.lost.length = 0
  })
  afterAll(async () => {
    await egress.close()
    await fake.close()
  })

  const problem = (fields: Readonly<Record<string, unknown>> = {}) =>
    eventOf({ facts: { title: 'Disk full', severity: 'high', fingerprint: 'disk-1', ...fields } })
  const make = (
    secrets: Readonly<Record<string, readonly string[]>> = basic(fake),
    config = {},
  ) => {
    const destination = destinationOf({
      connector: 'servicenow',
      config: { baseUrl: fake.url, ...config },
    })
    return servicenow.create(contextOf(destination, egress, kv, secrets))
  }
  const send = (
    event = problem(),
    attempt: Partial<Attempt> = {},
    connector = make(),
  ): Promise<AttemptResult> =>
    connector.deliver(
      { dispatch: dispatchOf('hooks', { event }), number: 1, ...attempt },
      new AbortController().signal,
    )
  const only = (): Record<string, string> => {
    expect(fake.rows.size).toBe(1)
    const [row] = fake.rows.values()
    return row ?? {}
  }

  it('makes one incident per problem, and notes, resolves and reopens it', async () => {
    const seen = []
    for (const fields of [{}, {}, { status: 'resolved' }, {}]) {
      const result = await send(problem(fields))
      expect(result).toMatchObject({ kind: 'delivered', externalId: only().sys_id })
      seen.push([result.details?.action, only().state])
    }
    expect(seen).toEqual([
      ['created', '1'],
      ['noted', '1'],
      ['resolved', '6'],
      ['reopened', '2'],
    ])
    expect(only()).toMatchObject({
      short_description: 'Disk full',
      impact: '2',
      urgency: '1',
      close_code: 'Solution provided',
      correlation_id: expect.stringMatching(/^zenhook-[0-9a-f]{32}$/),
    })
  })

  it('makes one incident when many events of one new problem arrive at once', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => send()))
    expect(results.map(({ kind }) => kind)).toEqual(Array(6).fill('delivered'))
    only()
  })

  it('makes one new incident when the old one was deleted, however many events see that', async () => {
    await send()
    fake.rows.clear()
    const results = await Promise.all(Array.from({ length: 8 }, () => send()))
    expect(results.map(({ kind }) => kind)).toEqual(Array(8).fill('delivered'))
    expect(only()).toMatchObject({ number: 'INC0000002' })
    expect(only().work_notes?.split('---').length).toBe(7)
  })

  it('touches no record of others where the table has no correlation_id', async () => {
    const foreign = { sys_id: 'f'.repeat(32), number: 'INC0009999', state: '1' }
    fake.rows.set(foreign.sys_id, { ...foreign })
    fake.correlated = false
    for (const status of ['firing', 'resolved']) {
      expect(await send(problem({ status }))).toMatchObject({
        reason: 'servicenow_refused',
        retriable: false,
        error: expect.stringContaining('no correlation_id'),
      })
    }
    expect(only()).toEqual(foreign)
  })

  it('tells records that it may not read from records that are gone', async () => {
    const over = problem({ status: 'resolved' })
    await send()
    fake.readable = false
    for (const event of [problem(), over]) {
      expect(await send(event)).toMatchObject({
        reason: 'servicenow_refused',
        retriable: false,
        error: expect.stringContaining('may not read'),
      })
    }
    fake.readable = true
    expect(await send(over)).toMatchObject({ details: { action: 'resolved' } })
    fake.rows.clear()
    expect(await send(over)).toMatchObject({ details: { action: 'gone' } })
    expect(await send(problem({ status: 'resolved', fingerprint: 'disk-2' }))).toMatchObject({
      details: { action: 'none' },
    })
  })

  it.each([502, 504])('makes no second incident when %i hid that one was made', async (status) => {
    fake.indexed = false
    fake.lost.push(status)
    const event = problem()
    const dispatch = dispatchOf('hooks', { event })
    expect(await send(event, { dispatch })).toMatchObject({
      ...{ reason: `http_${status}`, possibleDuplicate: true },
    })
    const startedAt = Date.now()
    for (const result of await Promise.all([send(event, { dispatch, number: 2 }), send()]))
      expect(result).toMatchObject({ reason: 'busy', retriable: true })
    expect(Date.now() - startedAt).toBeLessThan(1_000)
    only()
    fake.indexed = true
    const found = { kind: 'delivered', details: { action: 'noted' } }
    expect(await send(event, { dispatch, number: 3 })).toMatchObject(found)
    fake.indexed = false
    expect(await send()).toMatchObject(found)
    only()
    fake.lost.push(status)
    expect(await send()).toMatchObject({ reason: `http_${status}`, possibleDuplicate: true })
    fake.faults.push({ status })
    expect(await send()).not.toHaveProperty('possibleDuplicate')
  })

  it('says that it is our own state which is away', async () => {
    kv.away = true
    expect(await send()).toMatchObject({ reason: 'state_unavailable', retriable: true })
    expect(Object.keys(servicenow.spec.reasons)).toContain('state_unavailable')
  })

  it('does not write again, and says so, when what was written cannot be noted', async () => {
    const awayWhen = (written: () => boolean) =>
      Object.defineProperty(mapKv(), 'away', { get: written })
    kv = awayWhen(() => fake.rows.size > 0)
    const flagged = { kind: 'delivered', possibleDuplicate: true }
    expect(await send()).toMatchObject({ ...flagged, details: { action: 'created' } })
    kv = awayWhen(() => only().work_notes !== undefined)
    expect(await send()).toMatchObject({ ...flagged, details: { action: 'noted' } })
  })

  it('finds its incident by correlation id when the state is lost, and never otherwise', async () => {
    await send()
    await send()
    expect(fake.searches.length).toBe(1)
    kv = mapKv()
    expect(await send()).toMatchObject({ details: { action: 'noted' } })
    only()
  })

  it('repeats no note when a later attempt goes over it again', async () => {
    await send()
    const dispatch = dispatchOf('hooks', { event: problem() })
    await send(problem(), { dispatch })
    expect(await send(problem(), { dispatch, number: 2 })).toMatchObject({
      details: { action: 'none' },
    })
    expect(only().work_notes?.split('---').length).toBe(1)
    const forced = { dispatch: { ...dispatch, run: replayIdOf(1, 'a') }, forced: true }
    expect(await send(problem(), forced)).toMatchObject({ details: { action: 'noted' } })
    expect(await send(problem(), { ...forced, number: 2 })).toMatchObject({
      details: { action: 'none' },
    })
  })

  it('F78: escapes what would be an operator of an encoded query', async () => {
    expect(queryValue('a^ORactive=true')).toBe('a^^ORactive=true')
    await send(problem({ fingerprint: 'x^NQactive=true' }))
    expect(fake.searches[0]).toMatch(/^correlation_id=zenhook-[0-9a-f]{32}\^ORDERBYDESC/)
  })

  it('takes fields of the configuration and the transform, but not the correlation id', async () => {
    const transformed = { category: 'disk', correlation_id: 'mine', nested: { x: 1 } }
    const connector = make(basic(fake), { fields: { assignment_group: 'Ops' } })
    await send(problem(), { transformed }, connector)
    expect(only()).toMatchObject({ category: 'disk', assignment_group: 'Ops' })
    expect(only().correlation_id).toMatch(/^zenhook-/)
    expect(only().nested).toBeUndefined()
  })

  it('keeps its token, and renews it once when it is refused', async () => {
    const secrets = { clientId: [fake.clientId], clientSecret: [fake.clientSecret] }
    const connector = make(secrets)
    await send(problem(), {}, connector)
    await send(problem(), {}, connector)
    expect(fake.issued).toBe(1)
    fake.tokens.clear()
    expect(await send(problem(), {}, connector)).toMatchObject({ kind: 'delivered' })
    expect(fake.issued).toBe(2)
  })

  it('has one deadline for all its calls, the token of another attempt included', async () => {
    const secrets = { clientId: [fake.clientId], clientSecret: [fake.clientSecret] }
    const startedAt = Date.now()
    fake.faults.push({ delayMs: 1_200 }, { hang: true })
    expect(await send(problem(), {}, make(secrets))).toMatchObject({ reason: 'timeout' })
    expect(Date.now() - startedAt).toBeLessThan(2_800)
    // One that has waited already has less time than who asks for the token.
    const connector = make(secrets)
    const correlationId = `zenhook-${hash('disk-1').slice(0, 32)}`
    const value = JSON.stringify({ owner: 'other', until: Date.now() + 1_200 })
    kv.values.set(`link:servicenow:acme/hooks:${correlationId}`, value)
    const waitedFrom = Date.now()
    const waiting = send(problem(), {}, connector)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    fake.faults.push({ hang: true })
    const asking = send(problem({ fingerprint: 'disk-2' }), {}, connector)
    expect(await waiting).toMatchObject({ reason: 'timeout' })
    expect(Date.now() - waitedFrom).toBeLessThan(2_700)
    expect(await asking).toMatchObject({ reason: 'timeout' })
    expect(fake.rows.size).toBe(0)
  })

  it('sees a refusal inside of 200', async () => {
    fake.refusals.push('Insert Aborted')
    expect(await send()).toMatchObject({
      reason: 'servicenow_refused',
      status: 200,
      retriable: false,
      error: expect.stringContaining('Insert Aborted'),
    })
    fake.refusals.push('Rate limit exceeded')
    expect(await send()).toMatchObject({ reason: 'servicenow_refused', retriable: true })
  })

  it('asks for short answers, and is done where one is longer than what is read', async () => {
    await send(problem({ title: 'x'.repeat(70_000) }), { transformed: 'y'.repeat(70_000) })
    await send()
    const writes = fake.arrivals.filter(({ method }) => method !== 'GET').slice(-2)
    for (const { url } of writes) expect(url).toMatch(/\?sysparm_fields=sys_id,number$/)
    const long = (start: string) => ({ status: 200, body: `${start}${'x'.repeat(70_000)}` })
    fake.faults.push({}, long('{"result":{"description":"'))
    expect(await send()).toMatchObject({ kind: 'delivered', details: { action: 'noted' } })
    fake.faults.push({}, long('{"result":{"description":"'))
    const created = await send(problem({ fingerprint: 'disk-2' }))
    expect(created).toMatchObject({ kind: 'delivered', details: { action: 'created' } })
    expect(created).not.toHaveProperty('externalId')
    // A sleeping instance answers with a page for people.
    fake.faults.push({}, long('<html>'))
    expect(await send()).toMatchObject({ reason: 'malformed_answer' })
  })

  it('needs credentials, and either an instance or an address', async () => {
    expect(await send(problem(), {}, make({}))).toMatchObject({ reason: 'no_credentials' })
    expect(() => make(undefined, { instance: 'acme' })).toThrow()
  })
})
