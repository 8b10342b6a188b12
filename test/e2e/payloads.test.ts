import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Story } from '../../core/decisions/story.ts'
import type { Draft } from '../../ingress/verifiers/index.ts'
import { testServers } from '../servers.ts'
import { events, outcomes } from './outcomes.ts'
import { checkDelivery, type Journey, seenBy } from './receipts.ts'
import { type Payload, post, readPayloads, tampered } from './requests.ts'
import {
  allEnded,
  createRig,
  type Engines,
  embeddedEngines,
  folderText,
  listAll,
  logText,
  type Rig,
  serverEngines,
  storyOf,
} from './rig.ts'

const found = await readPayloads()
const absent = typeof found === 'string' ? found : undefined
const payloads: readonly Payload[] = typeof found === 'string' ? [] : found
const servers = await testServers()
if (absent !== undefined) process.stderr.write(`Tests with real payloads are skipped: ${absent}\n`)

/** How long draining may take once the process was asked to end. */
const graceMs = 30_000

interface Sent {
  draft: Draft
  id: string
}

const idOf = (text: string): { id: string; duplicate?: boolean } => JSON.parse(text)

const endToEnd = (engines: () => Promise<Engines>, chain: 'fused' | 'split'): void => {
  let behind: Engines
  let rig: Rig
  const sent = new Map<string, Sent>()
  const journeys: Journey[] = []
  let output = ''
  const pages: string[] = []

  beforeAll(async () => {
    behind = await engines()
    rig = await createRig(payloads, behind, chain)
    await rig.start()
  }, 90_000)
  afterAll(() => rig?.close(), 60_000)

  it('answers each payload as its provider expects, and its repetition as a duplicate', async () => {
    const signer = rig.signer()
    for (const outcome of outcomes) {
      const { file, handshake } = outcome
      const draft = signer.sign(outcome)
      const answer = await post(draft)
      const again = await post(draft)
      if (handshake !== undefined) {
        expect(answer, file).toEqual({ status: 200, text: handshake })
        expect(again, file).toEqual(answer)
        continue
      }
      expect(answer.status, `${file}: ${answer.text}`).toBe(202)
      const { id } = idOf(answer.text)
      expect(answer.text, file).toBe(`{"id":"${id}"}`)
      expect(again, file).toEqual({ status: 202, text: `{"id":"${id}","duplicate":true}` })
      sent.set(file, { draft, id })
    }
  }, 90_000)

  it('delivers each to where its routes say', async () => {
    expect(sent.size).toBe(events.length)
    const seen = await allEnded(rig.running(), events.length)
    expect(seen.map(({ id }) => id).sort()).toEqual([...sent.values()].map(({ id }) => id).sort())
    for (const outcome of events) {
      const { draft, id } = sent.get(outcome.file) ?? { draft: undefined, id: '' }
      if (draft === undefined) throw new Error(`${outcome.file} was not sent`)
      const story: Story = await storyOf(rig.running(), id)
      journeys.push({ outcome, draft, id, story })
      const { tenant, source, type, auth, deliveries } = outcome
      expect(story, outcome.file).toMatchObject({ tenant, source, type, status: 'delivered' })
      expect(story.provider, outcome.file).toBe('preset' in auth ? auth.preset : 'token')
      const namesOf = (all: readonly { route: string; destination: string }[]): string[] =>
        all.map(({ route, destination }) => `${route} ${destination}`).sort()
      expect(namesOf(story.dispatches), outcome.file).toEqual(namesOf(deliveries))
      for (const delivery of deliveries) checkDelivery(journeys.at(-1) as Journey, delivery, rig)
    }
  }, 120_000)

  it('leaves nothing at the receivers that was not expected', () => {
    const count = (...effects: string[]): number =>
      events
        .flatMap(({ deliveries }) => deliveries)
        .filter(({ effect }) => effects.includes(effect)).length
    const created = (destination: string): number =>
      events
        .flatMap(({ deliveries }) => deliveries)
        .filter((each) => each.destination === destination && each.effect === 'created').length
    expect(seenBy(rig)).toMatchObject({
      messages: count('message', 'text'),
      incidents: created('tickets'),
      issues: created('findings'),
      webhooks: count('bytes', 'made'),
    })
  })

  it('keeps every decision in ClickHouse', async () => {
    const { rows } = await rig
      .running()
      .api<{ rows: Record<string, unknown>[] }>('POST', '/v1/decisions/query', {
        sql: `SELECT e.id AS id, e.type AS type, any(e.provider) AS provider,
          countIf(d.stage = 'ingress' AND d.verdict = 'accepted') AS ingress,
          countIf(d.stage = 'dedupe' AND d.reason = 'first') AS dedupe,
          countIf(d.stage = 'enrich') AS enrich,
          anyIf(d.details.severity::String, d.stage = 'enrich') AS severity,
          anyIf(d.details.category::String, d.stage = 'enrich') AS category,
          anyIf(d.details.status::String, d.stage = 'enrich') AS status,
          countIf(d.stage = 'score' AND d.score >= 0 AND d.score <= 1) AS score,
          countIf(d.stage = 'route' AND d.verdict = 'dispatch') AS route,
          countIf(d.stage = 'deliver' AND d.verdict = 'delivered') AS deliver,
          count() AS decisions
          FROM events AS e INNER JOIN decisions AS d ON d.event_id = e.id GROUP BY e.id, e.type`,
      })
    const byId = new Map(rows.map((row) => [row.id, row]))
    expect(rows).toHaveLength(events.length)
    for (const { outcome, id } of journeys) {
      const { file, type, facts, deliveries } = outcome
      const n = deliveries.length
      const row = byId.get(id)
      const counts = Object.fromEntries(
        ['ingress', 'dedupe', 'enrich', 'score', 'route', 'deliver', 'decisions'].map((name) => [
          name,
          Number(row?.[name]),
        ]),
      )
      expect(row, file).toMatchObject({ type, ...facts })
      expect(counts, file).toEqual({
        ...{ ingress: 1, dedupe: 1, enrich: 1, score: 1, route: n, deliver: n },
        decisions: 4 + 2 * n,
      })
    }
  })

  it('takes what comes a second time, signed anew, and delivers nothing twice', async () => {
    expect(journeys).toHaveLength(events.length)
    const before = seenBy(rig)
    const signer = rig.signer()
    const fresh: string[] = []
    for (const outcome of events) {
      const answer = await post(signer.sign(outcome))
      expect(answer.status, `${outcome.file}: ${answer.text}`).toBe(202)
      const { id, duplicate } = idOf(answer.text)
      if (duplicate === true) expect(id, outcome.file).toBe(sent.get(outcome.file)?.id)
      else fresh.push(id)
    }
    const seen = await allEnded(rig.running(), events.length + fresh.length)
    for (const { id, status } of seen)
      expect(status, id).toBe(fresh.includes(id) ? 'dropped' : 'delivered')
    for (const id of fresh) {
      const { decisions } = await storyOf(rig.running(), id)
      expect(decisions.map(({ stage, reason }) => `${stage} ${reason}`)).toContain(
        'dedupe duplicate',
      )
    }
    expect(seenBy(rig)).toEqual(before)
  }, 120_000)

  it('refuses what was tampered with, and stores nothing of it', async () => {
    const before = await listAll(rig.running())
    for (const outcome of outcomes) {
      const answer = await post(tampered(rig.signer().sign(outcome), outcome))
      expect(answer.status, `${outcome.file}: ${answer.text}`).toBe(401)
    }
    expect((await listAll(rig.running())).length).toBe(before.length)
  }, 90_000)

  it('ends in time when it is asked to', async () => {
    const running = rig.running()
    const { tenant } = outcomes[0] ?? { tenant: '' }
    for (const path of [
      '/metrics',
      '/readyz?verbose',
      '/version',
      '/v1/events?limit=1000',
      '/v1/decisions?limit=1000',
      '/v1/topology',
      `/v1/registry/source/${tenant}/github`,
      `/v1/registry/destination/${tenant}/archive`,
      `/v1/registry/route/${tenant}/money`,
      ...journeys.map(({ id }) => `/v1/events/${id}`),
    ])
      pages.push(`${path}\n${await running.page(path)}`)
    expect(await running.stop(graceMs)).toBe(0)
    output = running.output()
    expect(output).not.toMatch(/"level":"error"/)
  }, 120_000)

  it('shows no secret in logs, metrics, answers, topics and files', async () => {
    const places: Record<string, string> = {
      logs: output,
      answers: pages.join('\n'),
      topics: await logText(behind, rig.dataDir),
      files: await folderText(rig.dataDir),
      webhooks: rig.fakes.webhook.arrivals.map((each) => JSON.stringify(each.headers)).join('\n'),
    }
    // The search would find what is there.
    expect(places.topics).toContain('Codertocat/Hello-World')
    expect(places.answers).toContain('zenhook_build_info')
    for (const [place, text] of Object.entries(places))
      for (const [index, secret] of [...rig.secrets, rig.running().token].entries())
        expect(text.includes(secret), `secret ${index} in ${place}`).toBe(false)
  }, 90_000)
}

describe('the table of outcomes', () => {
  it.skipIf(absent !== undefined)('has each payload of the index, and no other', () => {
    expect(outcomes.map(({ file }) => file).sort()).toEqual(payloads.map(({ file }) => file).sort())
    expect(new Set(outcomes.map(({ file }) => file)).size).toBe(outcomes.length)
  })

  it('says why, wherever a token stands in for a signature', () => {
    const reasons = outcomes.flatMap(({ auth }) => ('token' in auth ? [auth.token] : []))
    expect([...new Set(reasons)].sort()).toEqual([
      'its headers are not in the sample',
      'signs nothing',
    ])
  })
})

describe.skipIf(absent !== undefined)('real payloads, end to end on embedded engines', () => {
  describe('with a fused chain', () => endToEnd(embeddedEngines, 'fused'))
  describe('with a split chain', () => endToEnd(embeddedEngines, 'split'))
})

describe.skipIf(absent !== undefined || servers.reason !== undefined)(
  'real payloads, end to end on real servers',
  () => {
    describe('with a fused chain', () => endToEnd(() => serverEngines(servers), 'fused'))
    describe('with a split chain', () => endToEnd(() => serverEngines(servers), 'split'))
  },
)
