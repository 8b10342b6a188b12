import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testServers } from '../servers.ts'
import { githubEvent, post } from './requests.ts'
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
    // A provider repeats what it got no answer for, until it gets one.
    const until = performance.now() + 30_000
    for (;;) {
      const open = deliveries.filter(({ ids }) => ids.length === 0)
      if (open.length === 0) break
      expect(performance.now(), `${open.length} deliveries have no answer`).toBeLessThan(until)
      await sendAll(rig, open, true, () => true)
    }
  }, 120_000)

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
    expect(await rig.running().stop(15_000)).toBe(0)
  }, 20_000)
}

describe('kill -9 in the middle, on embedded engines', () => {
  crashes(embeddedEngines, 'fused')
})

describe.skipIf(servers.reason !== undefined)('kill -9 in the middle, on real servers', () => {
  crashes(() => serverEngines(servers), 'split')
})
