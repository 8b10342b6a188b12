import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testServers } from '../servers.ts'
import { githubEvent, post } from './requests.ts'
import { createRig, embeddedEngines, type Rig, serverEngines } from './rig.ts'

const fixture = new URL('./poison.fixture.mjs', import.meta.url).href

interface Letter {
  code: string
  stage: string
  tenant: string
  source: string
  eventId: string
}

const servers = await testServers()
if (servers.reason !== undefined)
  describe('a record that ends the process, on real servers', () => {
    it.skip(`skipped: ${servers.reason}`, () => undefined)
  })

/** `silentMs`: a group waits so long for a member that died. */
const sets = [
  { name: 'embedded engines', engines: embeddedEngines, silentMs: 0 },
  ...(servers.reason === undefined
    ? [{ name: 'real servers', engines: () => serverEngines(servers), silentMs: 10_000 }]
    : []),
]

describe.each(sets)('a record that ends the process, on $name', ({ engines, silentMs }) => {
  let folder: string
  let rig: Rig
  const deathsFile = () => join(folder, 'deaths')

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zenhook-poison-'))
    await writeFile(deathsFile(), '')
    const env = { NODE_OPTIONS: `--import ${fixture}`, POISON_DEATHS: deathsFile() }
    rig = await createRig([], { ...(await engines()), env }, 'fused')
  }, 90_000)
  afterEach(async () => {
    await rig?.close()
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  const deaths = async (): Promise<string[]> =>
    (await readFile(deathsFile(), 'utf8')).split('\n').filter((line) => line !== '')
  /** Whether it was taken; without an answer the sender does not know. */
  const send = async (deliveryId: string): Promise<boolean> => {
    try {
      return (await post(githubEvent(rig.keys, rig.running().publicUrl, deliveryId))).status === 202
    } catch {
      return false
    }
  }
  const sendAll = async (deliveryIds: readonly string[]): Promise<string[]> => {
    const taken = await Promise.all(deliveryIds.map(send))
    return deliveryIds.filter((_, index) => taken[index] !== true)
  }
  const letters = async (): Promise<readonly Letter[]> =>
    (await rig.running().api<{ dead: Letter[] }>('GET', '/v1/dead')).dead
  /** By the id that its sender gave it: the webhook-ids under which it arrived. */
  const arrived = (): Map<string, Set<string>> => {
    const found = new Map<string, Set<string>>()
    for (const { headers } of rig.fakes.webhook.arrivals) {
      const deliveryId = headers['zenhook-source-x-github-delivery'] ?? ''
      const ids = found.get(deliveryId) ?? new Set()
      found.set(deliveryId, ids.add(headers['webhook-id'] ?? ''))
    }
    return found
  }
  const fresh = (count: number): string[] => Array.from({ length: count }, () => randomUUID())

  it.each([
    ['a stage', 'poison-for-stages', 'dedupe'],
    ['a connector', 'poison-for-connectors', 'deliver'],
  ])(
    'F21: that ends it in %s is quarantined, and its neighbours are delivered',
    async (_, poison, stage) => {
      await rig.start()
      const before = fresh(10)
      expect(await sendAll(before)).toEqual([])
      const behind = fresh(10)
      const unanswered = await sendAll([poison, ...behind])
      let found: readonly Letter[] = []
      const until = performance.now() + 150_000 + 10 * silentMs
      for (let known = 0; found.length === 0; ) {
        expect(performance.now(), `${(await deaths()).length} deaths`).toBeLessThan(until)
        const now = (await deaths()).length
        expect(now).toBeLessThanOrEqual(6)
        if (now > known) {
          known = now
          // It may die again before it is ready.
          await rig.start().catch(() => undefined)
        }
        await sleep(50)
        found = await letters().catch(() => [])
      }
      // Two at full speed, one among few, three with nothing else under way.
      expect(await deaths()).toEqual(Array.from({ length: 6 }, () => poison))
      expect(found).toMatchObject([
        { code: 'ZENHOOK_STAGE_QUARANTINED', stage, tenant: 'acme', source: 'github' },
      ])

      const neighbours = [...before, ...behind]
      await expect
        .poll(() => sendAll(unanswered.filter((id) => id !== poison)), { timeout: 30_000 })
        .toEqual([])
      await expect.poll(() => arrived().size, { timeout: 60_000 }).toBe(neighbours.length)
      for (const id of neighbours) expect(arrived().get(id)?.size, id).toBe(1)
      // The process goes on, also over a restart.
      const later = fresh(3)
      await rig.running().kill()
      await rig.start()
      expect(await sendAll(later)).toEqual([])
      await expect.poll(() => arrived().size, { timeout: 60_000 }).toBe(neighbours.length + 3)
      expect(await deaths()).toHaveLength(6)
      expect(await letters()).toHaveLength(1)
    },
    240_000 + 15 * silentMs,
  )

  const kills = silentMs > 0 ? 5 : 10
  it(`F21: ${kills} kills of a healthy process quarantine nothing`, async () => {
    rig.fakes.webhook.fault = { delayMs: 30 }
    await rig.start()
    const sent: string[] = []
    for (let n = 0; n < kills; n += 1) {
      const some = fresh(12)
      sent.push(...some)
      expect(await sendAll(some)).toEqual([])
      // It gets on between kills, and something is under way at each.
      const upTo = arrived().size + 4
      await expect
        .poll(() => arrived().size, { timeout: 60_000, interval: 5 })
        .toBeGreaterThanOrEqual(upTo)
      await rig.running().kill()
      await rig.start()
    }
    await expect.poll(() => arrived().size, { timeout: 60_000 }).toBe(sent.length)
    for (const id of sent) expect(arrived().get(id)?.size, id).toBe(1)
    expect(await letters()).toEqual([])
  }, 240_000)
})
