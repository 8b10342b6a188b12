import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testServers } from '../servers.ts'
import { type Findings, findingsOf, tell } from './check.ts'
import { type Line, type Load, startLoad } from './load.ts'
import { createFaultRig, type FaultRig } from './rig.ts'

const servers = await testServers()

const slackPatienceMs = 3_000
const rowMs = 150_000

describe.skipIf(servers.reason !== undefined)('faults, on the whole product', () => {
  let rig: FaultRig

  beforeAll(async () => {
    rig = await createFaultRig()
    await rig.start()
  }, 180_000)
  afterAll(() => rig?.close(), 60_000)

  const here = (): string => rig.running().publicUrl

  const holds = async (
    row: string,
    what: string,
    lines: readonly Line[],
    drainMs = 60_000,
  ): Promise<Findings> => {
    const found = await findingsOf(rig, lines, drainMs)
    tell(row, what, found)
    expect(found).toMatchObject({
      ...{ lost: [], smuggled: [], open: [], twice: [], identities: [], unflagged: [] },
    })
    expect(found.acknowledged).toBeGreaterThan(100)
    return found
  }

  /** Of what was not forged: nothing is refused, and Slack is answered while it listens. */
  const answersAll = (load: Load): void => {
    const lines = load.lines()
    const genuine = lines.filter(({ forged }) => !forged)
    expect(genuine.filter(({ status }) => status !== 202)).toEqual([])
    const late = genuine
      .filter(({ source }) => source === 'slack')
      .map((line) => ({ tookMs: line.ackAt - line.sentAt, machineMs: load.machineMs(line) }))
      .filter(({ tookMs, machineMs }) => tookMs - machineMs >= slackPatienceMs)
    expect(late).toEqual([])
    expect(lines.filter(({ forged, status }) => forged && status !== 401)).toEqual([])
  }

  const metric = async (name: string): Promise<number> => {
    const text = await rig.running().page('/metrics')
    const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? []
    return Number(value ?? Number.NaN)
  }

  /** That events went to the spool since, and that nothing is left there. */
  const wentThroughSpool = async (before: number): Promise<void> => {
    expect(await metric('zenhook_spool_written_total')).toBeGreaterThan(before)
    expect(await metric('zenhook_spool_records')).toBe(0)
  }

  it('F33: Redis is killed, and comes back after 5 s', { timeout: rowMs }, async () => {
    const load = startLoad(rig, here)
    await sleep(2_000)
    await rig.redis.kill()
    await sleep(5_000)
    await rig.redis.start()
    await sleep(2_000)
    const lines = await load.stop()
    const found = await holds('F33', 'Redis killed for 5 s', lines)
    answersAll(load)
    expect(found.statuses[503]).toBeUndefined()
  })

  it('F35: ClickHouse is killed, and comes back after 10 s', { timeout: rowMs }, async () => {
    const load = startLoad(rig, here)
    await sleep(1_000)
    await rig.clickhouse.kill()
    const before = rig.sink.arrivals.length
    await sleep(10_000)
    // The pipeline does not wait for its decisions to be stored.
    expect(rig.sink.arrivals.length).toBeGreaterThan(before + 100)
    await rig.clickhouse.start()
    const lines = await load.stop()
    const found = await holds('F35', 'ClickHouse killed for 10 s', lines)
    answersAll(load)
    expect(found.duplicates).toBe(0)
  })

  it('F01: the leader of received is killed', { timeout: rowMs }, async () => {
    const leader = await rig.kafka.leaderOf('zenhook.received.v1', 0)
    if (leader === undefined) throw new Error('nobody leads')
    const spooled = await metric('zenhook_spool_written_total')
    const load = startLoad(rig, here)
    await sleep(2_000)
    await rig.kafka.killBroker(leader)
    await sleep(15_000)
    const lines = await load.stop()
    // Drained after the election: the broker is still gone.
    await holds('F01', 'kill -9 of a leader of received', lines)
    answersAll(load)
    await wentThroughSpool(spooled)
    await rig.kafka.restartBroker(leader)
  })

  it('F05: two of three brokers are away for 10 s', { timeout: rowMs }, async () => {
    const spooled = await metric('zenhook_spool_written_total')
    const load = startLoad(rig, here)
    await sleep(2_000)
    await Promise.all([rig.kafka.killBroker(2), rig.kafka.killBroker(3)])
    await sleep(10_000)
    const lines = await load.stop()
    await Promise.all([rig.kafka.restartBroker(2), rig.kafka.restartBroker(3)])
    await holds('F05', 'two of three brokers killed for 10 s', lines)
    answersAll(load)
    await wentThroughSpool(spooled)
  })

  it('F16, F24: the instance is killed and started again', { timeout: rowMs }, async () => {
    // Slow answers: attempts are under way when it is killed.
    rig.sink.fault = { delayMs: 50 }
    const load = startLoad(rig, here)
    await sleep(3_000)
    await rig.running().kill()
    rig.sink.fault = undefined
    await rig.start()
    await sleep(2_000)
    const lines = await load.stop()
    await holds('F16', 'kill -9 of the instance, and a new start', lines)
  })

  it('F06: every broker is down when the instance starts', { timeout: rowMs }, async () => {
    await rig.running().kill()
    await Promise.all([1, 2, 3].map((id) => rig.kafka.killBroker(id)))
    const { instance, ready } = await rig.startAmidFault()
    const statusOf = async (path: string): Promise<number> =>
      (await fetch(instance.publicUrl + path)).status
    await takesRequests(instance.publicUrl)
    const load = startLoad(rig, () => instance.publicUrl)
    await sleep(3_000)
    const lines = await load.stop()
    expect(await statusOf('/healthz')).toBe(200)
    expect(await statusOf('/readyz')).toBe(503)
    answersAll(load)
    await Promise.all([1, 2, 3].map((id) => rig.kafka.restartBroker(id)))
    await ready
    expect(rig.running().pid).toBe(instance.pid)
    await holds('F06', 'started with every broker down', lines)
    await wentThroughSpool(0)
  })

  it('F37: the schema registry is away, and then at a start too', { timeout: rowMs }, async () => {
    await rig.registry.kill()
    const load = startLoad(rig, here)
    await sleep(4_000)
    const lines = await load.stop()
    answersAll(load)
    await rig.running().kill()
    const { instance, ready } = await rig.startAmidFault()
    await takesRequests(instance.publicUrl)
    const after = startLoad(rig, () => instance.publicUrl)
    await sleep(4_000)
    const linesAfter = await after.stop()
    answersAll(after)
    await rig.registry.start()
    await ready
    await holds('F37', 'schema registry killed, and a new start', [...lines, ...linesAfter])
  })

  it('ends in time after all that', { timeout: 30_000 }, async () => {
    expect(await rig.running().stop(20_000)).toBe(0)
  })
})

/** Waits until the ingress has taken the place of the lobby, which answers 503 to everything. */
const takesRequests = async (publicUrl: string): Promise<void> => {
  const until = performance.now() + 20_000
  for (;;) {
    // The lobby's connections end when the ingress takes over.
    const status = await fetch(`${publicUrl}/in/acme/none`, { method: 'POST', body: '{}' }).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 404) return
    if (performance.now() > until) throw new Error(`the ingress does not answer: ${status}`)
    await sleep(100)
  }
}
