import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testServers } from '../servers.ts'
import { events } from './outcomes.ts'
import { githubEvent, type Payload, post, readPayloads } from './requests.ts'
import {
  allEnded,
  createRig,
  type Engines,
  embeddedEngines,
  type Rig,
  serverEngines,
  storyOf,
} from './rig.ts'

const servers = await testServers()
const found = await readPayloads()
const absent = typeof found === 'string' ? found : undefined
const payloads: readonly Payload[] = typeof found === 'string' ? [] : found
if (absent !== undefined) process.stderr.write(`Tests with real payloads are skipped: ${absent}\n`)

const rounds = 3
const perRound = 150
const sendersAtOnce = 12
/** So many answers of a round are awaited before the instance is killed; the rest is under way then. */
const killAfter = [1, 60, perRound]

/** What a provider knows of one delivery. */
interface Delivery {
  deliveryId: string
  /** Ids of the events that it was answered, one for each 202. */
  ids: string[]
  /** The first 202 came before any retry. */
  atFirst: boolean
}

const send = async (rig: Rig, delivery: Delivery, retry: boolean): Promise<boolean> => {
  const draft = githubEvent(rig.keys, rig.running().publicUrl, delivery.deliveryId)
  let answer: { status: number; text: string }
  try {
    answer = await post(draft)
  } catch {
    // The instance is gone: the provider does not know whether its event was taken.
    return false
  }
  if (answer.status !== 202) return false
  if (delivery.ids.length === 0) delivery.atFirst = !retry
  delivery.ids.push((JSON.parse(answer.text) as { id: string }).id)
  return true
}

/** Sends from a few connections; `onAnswer` says whether to go on. */
const sendAll = async (
  rig: Rig,
  deliveries: readonly Delivery[],
  retry: boolean,
  onAnswer: () => boolean,
): Promise<void> => {
  const waiting = [...deliveries]
  let going = true
  const sender = async (): Promise<void> => {
    for (let next = waiting.shift(); going && next !== undefined; next = waiting.shift())
      if (await send(rig, next, retry)) going = onAnswer() && going
  }
  await Promise.all(Array.from({ length: sendersAtOnce }, sender))
}

const crashes = (engines: () => Promise<Engines>, chain: 'fused' | 'split'): void => {
  let rig: Rig
  const deliveries: Delivery[] = []

  beforeAll(async () => {
    rig = await createRig([], await engines(), chain)
    await rig.start()
  }, 90_000)
  afterAll(() => rig?.close(), 60_000)

  it('loses nothing that it answered for, however often it is killed', async () => {
    // Slow receivers: attempts are under way whenever it is killed.
    rig.fakes.webhook.fault = { delayMs: 50 }
    for (let round = 0; round < rounds; round += 1) {
      const fresh = Array.from({ length: perRound }, () => ({
        deliveryId: randomUUID(),
        ids: [],
        atFirst: false,
      }))
      deliveries.push(...fresh)
      let answered = 0
      let killed: Promise<void> | undefined
      await sendAll(rig, fresh, false, () => {
        answered += 1
        if (answered >= (killAfter[round] ?? 1)) killed ??= rig.running().kill()
        return killed === undefined
      })
      expect(killed, 'it was killed').toBeDefined()
      await killed
      await rig.start()
    }
    rig.fakes.webhook.fault = undefined
    // A provider repeats what it got no answer for, until it gets one.
    const until = performance.now() + 60_000
    for (;;) {
      const open = deliveries.filter(({ ids }) => ids.length === 0)
      if (open.length === 0) break
      expect(performance.now(), `${open.length} deliveries have no answer`).toBeLessThan(until)
      await sendAll(rig, open, true, () => true)
    }
  }, 180_000)

  it('delivers each, and under one webhook-id', async () => {
    const answered = new Set(deliveries.flatMap(({ ids }) => ids))
    const seen = await allEnded(rig.running(), answered.size, 60_000)
    const statusOf = new Map(seen.map(({ id, status }) => [id, status]))
    const arrived = new Map<string, Set<string>>()
    for (const { headers } of rig.fakes.webhook.arrivals) {
      const deliveryId = headers['zenhook-source-x-github-delivery'] ?? ''
      const webhookId = headers['webhook-id'] ?? ''
      arrived.set(deliveryId, new Set([...(arrived.get(deliveryId) ?? []), webhookId]))
    }
    const early = deliveries.filter(({ atFirst }) => atFirst)
    expect(early.length).toBeGreaterThanOrEqual(killAfter.reduce((sum, n) => sum + n, 0))
    for (const { deliveryId, ids } of early)
      expect(statusOf.get(ids[0] ?? ''), `${deliveryId} ${ids[0]}`).toBe('delivered')
    for (const { deliveryId, ids } of deliveries) {
      expect(arrived.get(deliveryId)?.size, `webhook-ids of ${deliveryId}`).toBe(1)
      for (const id of ids) {
        if (statusOf.get(id) === 'delivered') continue
        // The answer was lost with the process, not the event: its repetition is the duplicate.
        const { decisions } = await storyOf(rig.running(), id)
        const dropped = decisions.find(({ verdict }) => verdict === 'drop')
        expect(dropped, id).toMatchObject({ stage: 'dedupe', reason: 'duplicate' })
        expect(statusOf.get(String(dropped?.details.firstEventId))).toBe('delivered')
      }
    }
  }, 90_000)

  it('ends in time after all that', async () => {
    expect(await rig.running().stop(30_000)).toBe(0)
  }, 40_000)
}

/** One kill with every kind of receiver in the middle of its work. */
const crashAmongReceivers = (engines: () => Promise<Engines>, chain: 'fused' | 'split'): void => {
  let rig: Rig

  beforeAll(async () => {
    rig = await createRig(payloads, await engines(), chain)
    await rig.start()
  }, 90_000)
  afterAll(() => rig?.close(), 60_000)

  it('delivers all real payloads, and makes no ticket twice', async () => {
    const { slack, servicenow, jira, webhook } = rig.fakes
    for (const fake of Object.values(rig.fakes)) fake.fault = { delayMs: 40 }
    const ids = new Map<string, string>()
    for (const outcome of events) {
      const answer = await post(rig.signer().sign(outcome))
      expect(answer.status, `${outcome.file}: ${answer.text}`).toBe(202)
      ids.set((JSON.parse(answer.text) as { id: string }).id, outcome.file)
    }
    await rig.running().kill()
    for (const fake of Object.values(rig.fakes)) fake.fault = undefined
    await rig.start()

    const seen = await allEnded(rig.running(), events.length, 60_000)
    expect(seen.map(({ id, status }) => `${ids.get(id)} ${status}`).sort()).toEqual(
      [...ids.values()].map((file) => `${file} delivered`).sort(),
    )
    const deliveries = events.flatMap((event) => event.deliveries)
    const count = (...effects: string[]): number =>
      deliveries.filter(({ effect }) => effects.includes(effect)).length
    const made = (destination: string): number =>
      deliveries.filter((each) => each.destination === destination && each.effect === 'created')
        .length
    // Found again by its correlation id or label, though the answer went to a process that is gone.
    expect(servicenow.rows.size).toBe(made('tickets'))
    expect(jira.issues.size).toBe(made('findings'))
    expect([...servicenow.rows.values()].filter(({ state }) => state === '6')).toHaveLength(
      count('resolved'),
    )
    // These cannot be asked: they may get a message again, under the same id.
    const webhookIds = new Set(webhook.arrivals.map(({ headers }) => headers['webhook-id']))
    expect(webhookIds.size).toBe(count('bytes', 'made'))
    const messages = new Set(
      slack.messages.map(({ payload }) => JSON.stringify(payload.metadata ?? payload)),
    )
    expect(messages.size).toBe(count('message', 'text'))
  }, 180_000)
}

/** Deliveries that are over when it is killed, though the chain has not settled their events yet. */
const crashAfterDelivery = (engines: () => Promise<Engines>, chain: 'fused' | 'split'): void => {
  let rig: Rig
  const count = 25

  beforeAll(async () => {
    rig = await createRig([], await engines(), chain)
    await rig.start()
  }, 90_000)
  afterAll(() => rig?.close(), 60_000)

  it('still says that they were delivered, once, and tells their story in its order', async () => {
    const { arrivals } = rig.fakes.webhook
    // Warm: what comes next goes through at once.
    const warm: Delivery = { deliveryId: randomUUID(), ids: [], atFirst: false }
    expect(await send(rig, warm, false)).toBe(true)
    await allEnded(rig.running(), 1, 60_000)
    const deliveries = Array.from({ length: count }, () => ({
      deliveryId: randomUUID(),
      ids: [],
      atFirst: false,
    }))
    await sendAll(rig, deliveries, false, () => true)
    const until = performance.now() + 60_000
    while (arrivals.length < 1 + count) {
      expect(performance.now(), 'all arrive').toBeLessThan(until)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await rig.running().kill()
    await rig.start()

    const ids = deliveries.flatMap((delivery: Delivery) => delivery.ids)
    const seen = await allEnded(rig.running(), 1 + count, 60_000)
    const statuses = new Map(seen.map(({ id, status }) => [id, status]))
    expect(ids.map((id) => statuses.get(id))).toEqual(ids.map(() => 'delivered'))
    for (const id of ids) {
      const { decisions } = await storyOf(rig.running(), id)
      expect(decisions.map(({ stage }) => stage)).toEqual([
        ...['ingress', 'dedupe', 'enrich', 'score', 'route', 'deliver'],
      ])
    }
    // Those whose end was not recorded yet may arrive again, under the same id.
    expect(new Set(arrivals.map(({ headers }) => headers['webhook-id'])).size).toBe(1 + count)
  }, 180_000)
}

describe('kill -9 in the middle, on embedded engines', () => {
  describe('of small events', () => crashes(embeddedEngines, 'fused'))
  describe.skipIf(absent !== undefined)('of real payloads', () =>
    crashAmongReceivers(embeddedEngines, 'split'),
  )
})

describe.skipIf(servers.reason !== undefined)('kill -9 in the middle, on real servers', () => {
  describe('of small events', () => crashes(() => serverEngines(servers), 'split'))
  describe('of what was just delivered', () =>
    crashAfterDelivery(() => serverEngines(servers), 'fused'))
  describe.skipIf(absent !== undefined)('of real payloads', () =>
    crashAmongReceivers(() => serverEngines(servers), 'fused'),
  )
})
