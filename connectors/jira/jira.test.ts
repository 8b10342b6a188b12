import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { replayIdOf } from '../../core/event/index.ts'
import { createEgress, type Egress } from '../../core/net/index.ts'
import { type FakeIssue, type FakeJira, startFakeJira } from '../../test/fakes/jira.ts'
import { contextOf, destinationOf, dispatchOf, eventOf, hash, mapKv } from '../../test/fakes/rig.ts'
import { connectorContract } from '../contract.ts'
import type { Attempt, AttemptResult } from '../types.ts'
import { jira, jqlString } from './index.ts'

connectorContract('jira', {
  kind: jira,
  start: startFakeJira,
  destination: ({ url }) => ({ connector: 'jira', config: { baseUrl: url, project: 'OPS' } }),
  secrets: ({ email, token }) => ({ email: [email], token: [token] }),
  wrongSecrets: { email: ['bot@acme.test'], token: ['stolen-token'] },
  effects: ({ issues }) => issues.size,
})

describe('jira', () => {
  let fake: FakeJira
  let egress: Egress
  let kv = mapKv()
  beforeAll(async () => {
    fake = await startFakeJira()
    egress = createEgress({ grants: ['127.0.0.1'] })
  })
  beforeEach(() => {
    kv = mapKv()
    fake.issues.clear()
    fake.searches.length = 0
    fake.faults.length = 0
    fake.arrivals.length = 0
    fake.indexed = true
    fake.noWayOut = false
    fake.made = 0
    fake.lost.length = 0
  })
  afterAll(async () => {
    await egress.close()
    await fake.close()
  })

  const problem = (fields: Readonly<Record<string, unknown>> = {}) =>
    eventOf({ facts: { title: 'Disk full', severity: 'high', fingerprint: 'disk-1', ...fields } })
  const send = (
    event = problem(),
    attempt: Partial<Attempt> = {},
    config: object = {},
    token = fake.token,
  ): Promise<AttemptResult> => {
    const destination = destinationOf({
      connector: 'jira',
      config: { baseUrl: fake.url, project: 'OPS', ...config },
    })
    const secrets = { email: [fake.email], token: [token] }
    return jira
      .create(contextOf(destination, egress, kv, secrets))
      .deliver(
        { dispatch: dispatchOf('hooks', { event }), number: 1, ...attempt },
        new AbortController().signal,
      )
  }
  const only = (): FakeIssue => {
    expect(fake.issues.size).toBe(1)
    const [issue] = fake.issues.values()
    if (issue === undefined) throw new Error('no issue')
    return issue
  }

  it('makes one issue per problem, and comments, resolves and reopens it', async () => {
    const over = { status: 'resolved' }
    const actions = []
    for (const fields of [{}, {}, over, over, {}]) {
      const result = await send(problem(fields))
      expect(result).toMatchObject({ kind: 'delivered', externalId: 'OPS-1' })
      actions.push([result.details?.action, only().category])
    }
    expect(actions).toEqual([
      ['created', 'new'],
      ['commented', 'new'],
      ['resolved', 'done'],
      ['commented', 'done'],
      ['reopened', 'new'],
    ])
    expect(only().comments.length).toBe(4)
    await send(problem({ fingerprint: 'disk-2' }))
    expect(fake.issues.size).toBe(2)
  })

  it('does nothing about a problem that is over and was never reported', async () => {
    expect(await send(problem({ status: 'resolved' }))).toMatchObject({
      kind: 'delivered',
      details: { action: 'none' },
    })
    expect(fake.issues.size).toBe(0)
  })

  it('makes one issue when many events of one new problem arrive at once', async () => {
    fake.indexed = false
    const results = await Promise.all(Array.from({ length: 8 }, () => send()))
    expect(results.map(({ kind }) => kind)).toEqual(Array(8).fill('delivered'))
    expect(only().comments.length).toBe(7)
  })

  it('finds its issue by search when the state is lost', async () => {
    await send()
    kv = mapKv()
    expect(await send()).toMatchObject({ externalId: 'OPS-1', details: { action: 'commented' } })
    only()
  })

  it('makes one new issue when the old one was deleted, however many events see that', async () => {
    await send()
    fake.issues.clear()
    const results = await Promise.all(Array.from({ length: 8 }, () => send()))
    expect(results.map(({ kind }) => kind)).toEqual(Array(8).fill('delivered'))
    expect(only()).toMatchObject({ key: 'OPS-2', comments: { length: 7 } })
    expect(await send()).toMatchObject({ externalId: 'OPS-2' })
  })

  it('says that the issue of a problem that is over is not there any more', async () => {
    await send()
    fake.issues.clear()
    expect(await send(problem({ status: 'resolved' }))).toMatchObject({
      kind: 'delivered',
      externalId: 'OPS-1',
      details: { action: 'gone' },
    })
  })

  it('takes no answer for strangers: a token that ended loses no resolution, and no link', async () => {
    const links = () => [...kv.values].filter(([key]) => key.startsWith('link:'))
    await send()
    const before = links()
    const over = problem({ status: 'resolved' })
    const result = await send(over, {}, {}, 'ended')
    expect(result).toMatchObject({ reason: 'http_401', status: 401, retriable: false })
    expect(result).toMatchObject({ error: expect.stringContaining('AUTHENTICATED_FAILED') })
    expect(links()).toEqual(before)
    expect(await send(over)).toMatchObject({ externalId: 'OPS-1', details: { action: 'resolved' } })
    // A problem that was never reported, too: a search finds nothing for strangers.
    const other = problem({ status: 'resolved', fingerprint: 'disk-2' })
    expect(await send(other, {}, {}, 'ended')).toMatchObject({ reason: 'http_401' })
  })

  it.each([502, 504])('makes no second issue when %i hid that one was made', async (status) => {
    fake.indexed = false
    fake.lost.push(status)
    const event = problem()
    const dispatch = dispatchOf('hooks', { event })
    expect(await send(event, { dispatch })).toMatchObject({
      ...{ reason: `http_${status}`, possibleDuplicate: true },
    })
    const startedAt = Date.now()
    // Not for the next attempt of the same dispatch either, nor where the problem is over by now.
    const others = [problem(), problem({ status: 'resolved' })].map((other) => send(other))
    for (const result of await Promise.all([send(event, { dispatch, number: 2 }), ...others]))
      expect(result).toMatchObject({ reason: 'busy', retriable: true })
    // Who waits in vain holds no place of those that are attempted at once.
    expect(Date.now() - startedAt).toBeLessThan(1_000)
    only()
    fake.indexed = true
    const found = { externalId: 'OPS-1', details: { action: 'commented' } }
    expect(await send(event, { dispatch, number: 3 })).toMatchObject(found)
    // Bound: no search is needed any more.
    fake.indexed = false
    expect(await send()).toMatchObject(found)
    only()
  })

  it('makes no second issue after a connection that broke, and waits for none that was never made', async () => {
    fake.indexed = false
    const event = problem()
    const dispatch = dispatchOf('hooks', { event })
    fake.faults.push({}, { reset: 'after' })
    expect(await send(event, { dispatch })).toMatchObject({ reason: 'connection_failed' })
    expect(await send(event, { dispatch, number: 2 })).toMatchObject({ reason: 'busy' })
    only()
    kv = mapKv()
    fake.issues.clear()
    fake.faults.push({ reset: 'before' })
    expect(await send(event, { dispatch })).toMatchObject({ reason: 'connection_failed' })
    expect(await send(event, { dispatch, number: 2 })).toMatchObject({ kind: 'delivered' })
    only()
  })

  it.each([{ status: 501 }, { status: 503, headers: { 'retry-after': '1' } }])(
    'takes $status for what it says: nothing was made',
    async (fault) => {
      fake.indexed = false
      fake.faults.push({}, fault)
      const result = await send()
      expect(result).toMatchObject({ status: fault.status, retriable: true })
      expect(result).not.toHaveProperty('possibleDuplicate')
      expect(await send()).toMatchObject({ details: { action: 'created' } })
    },
  )

  it('says that a comment or a transition may have been made when its answer was lost', async () => {
    await send()
    fake.lost.push(504)
    expect(await send()).toMatchObject({ reason: 'http_504', possibleDuplicate: true })
    expect(only().comments.length).toBe(1)
    fake.lost.push(502)
    expect(await send(problem({ status: 'resolved' }))).toMatchObject({ possibleDuplicate: true })
    fake.faults.push({ status: 502 })
    expect(await send()).not.toHaveProperty('possibleDuplicate')
  })

  it('says that it is our own state which is away, and asks Jira nothing', async () => {
    kv.away = true
    expect(await send()).toMatchObject({ reason: 'state_unavailable', retriable: true })
    expect(fake.arrivals).toEqual([])
    expect(Object.keys(jira.spec.reasons)).toContain('state_unavailable')
  })

  it('does not write again, and says so, when what was written cannot be noted', async () => {
    const awayWhen = (written: () => boolean) =>
      Object.defineProperty(mapKv(), 'away', { get: written })
    kv = awayWhen(() => fake.issues.size > 0)
    expect(await send()).toMatchObject({
      kind: 'delivered',
      possibleDuplicate: true,
      externalId: 'OPS-1',
    })
    kv = awayWhen(() => only().comments.length > 0)
    expect(await send()).toMatchObject({
      kind: 'delivered',
      possibleDuplicate: true,
      details: { action: 'commented' },
    })
  })

  it('repeats no comment when a later attempt goes over a step again', async () => {
    await send()
    const dispatch = dispatchOf('hooks', { event: problem() })
    await send(problem(), { dispatch })
    await send(problem(), { dispatch, number: 2 })
    expect(only().comments.length).toBe(1)
    // A replay that is forced says it again; a second attempt of it does not.
    const forced = { dispatch: { ...dispatch, run: replayIdOf(1, 'a') }, forced: true }
    await send(problem(), forced)
    await send(problem(), { ...forced, number: 2 })
    expect(only().comments.length).toBe(2)
  })

  it('F78: lets no text of strangers into a query or the markup', async () => {
    const title = 'a" OR project = "SECRET\n*bold* {code}'
    await send(problem({ title, fingerprint: 'x" OR labels = "y\\' }))
    expect(fake.searches).toEqual([
      expect.stringMatching(
        /^project = "OPS" AND labels = "zenhook-[0-9a-f]{24}" ORDER BY created DESC$/,
      ),
    ])
    expect(only().fields.summary).toBe('a" OR project = "SECRET *bold* {code}')
    expect(jqlString('a"b\\c')).toBe('"a\\"b\\\\c"')
  })

  it('takes fields of the transform and the configuration, and keeps project and labels', async () => {
    const transformed = {
      summary: 'Mine',
      project: { key: 'X' },
      labels: ['team-a'],
      description: 'words',
    }
    await send(problem(), { transformed }, { fields: { priority: { name: 'High' } } })
    expect(only().fields).toMatchObject({
      summary: 'Mine',
      project: { key: 'OPS' },
      issuetype: { name: 'Task' },
      priority: { name: 'High' },
      labels: ['team-a', 'zenhook', expect.stringMatching(/^zenhook-/)],
      description: { type: 'doc', version: 1 },
    })
  })

  it('is done where an answer echoes more than is read, and only where it is a success', async () => {
    const long = (start: string) => ({ status: 201, body: `${start}${'x'.repeat(70_000)}` })
    fake.faults.push({}, long('{"id":"1","echo":"'))
    const created = await send(problem({ fingerprint: 'disk-2' }))
    expect(created).toMatchObject({ kind: 'delivered', details: { action: 'created' } })
    expect(created).not.toHaveProperty('externalId')
    await send()
    fake.faults.push({}, long('{\n  "self": "'))
    expect(await send()).toMatchObject({ externalId: 'OPS-1', details: { action: 'commented' } })
    fake.faults.push({}, long('<html>'))
    expect(await send()).toMatchObject({ reason: 'malformed_answer' })
  })

  it('says what Jira refused, and frees the problem for the next event', async () => {
    expect(await send(problem(), { transformed: { summary: '' } })).toMatchObject({
      reason: 'jira_refused',
      status: 400,
      retriable: false,
      error: expect.stringContaining('You must specify a summary'),
    })
    expect(await send()).toMatchObject({ kind: 'delivered' })
  })

  it('says when the workflow has no way', async () => {
    await send()
    fake.noWayOut = true
    expect(await send(problem({ status: 'closed' }))).toMatchObject({
      reason: 'no_transition',
      retriable: false,
    })
  })

  it('has one deadline for all its calls, and for its wait for others', async () => {
    const startedAt = Date.now()
    // Together longer than an attempt may take, each alone not.
    fake.faults.push({ delayMs: 1_200 }, { hang: true })
    expect(await send()).toMatchObject({ reason: 'timeout', possibleDuplicate: true })
    expect(Date.now() - startedAt).toBeLessThan(2_800)
    kv = mapKv()
    const key = `link:jira:acme/hooks:zenhook-${hash('disk-1').slice(0, 24)}`
    kv.values.set(key, JSON.stringify({ owner: 'other', until: Date.now() + 1_200 }))
    const waitedFrom = Date.now()
    fake.faults.push({ hang: true })
    expect(await send()).toMatchObject({ reason: 'timeout' })
    expect(Date.now() - waitedFrom).toBeLessThan(2_800)
    expect(fake.issues.size).toBe(0)
  })

  it('reads the reset time of a rate limit', async () => {
    const reset = new Date(Date.now() + 20_000).toISOString()
    fake.faults.push({ status: 429, headers: { 'x-ratelimit-reset': reset } })
    const result = await send()
    expect(result.kind === 'failed' ? result.retryAfterMs : 0).toBeGreaterThan(18_000)
  })
})
