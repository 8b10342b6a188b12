import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Admin } from 'kafkajs'
import { expect } from 'vitest'
import type { Running } from '../../e2e/instance.ts'
import { type Point, residentMiB, seeded, slopePerMinute } from '../figures.ts'
import { backlog, withAdmin } from '../lag.ts'
import type { Line } from '../load.ts'
import type { FaultRig } from '../rig.ts'
import type { Row, RowContext } from '../row.ts'
import { timeline } from '../timeline.ts'

const minute = 60_000
/** Under load the sink gathers for a second; its insert takes part of another. */
const toldSeconds = 3
export const faultEveryMs = 30_000
const shortestDrainMs = 60_000
/** What the product gives a member of a group that says nothing. */
const sessionMs = 10_000
/**
 * Load before the minutes that are measured: brokers and runtimes that were started seconds ago compile what they run,
 * and take the cores for it. What is sent then has to come through like all else; a start amid load is row F92.
 */
const warmUpMs = 45_000

interface Workers {
  running: Running
}

/** Of what an ingress stands on. */
export interface EdgeFault {
  name: string
  strike(rig: FaultRig): Promise<void>
}

interface SoakFault {
  name: string
  /** Lasts as long as the fault; the world is whole again when it resolves. */
  strike(rig: FaultRig, workers: Workers): Promise<void>
}

const leaderOf = async ({ kafka }: FaultRig): Promise<number> =>
  (await kafka.leaderOf('zenhook.received.v1', 0)) ?? 1

/**
 * One of the faults every 30 s, or as soon as the one before is over and has rested: each once, in any order,
 * before any comes again.
 */
export const oneAfterAnother = async <F>(
  faults: readonly F[],
  random: () => number,
  { firstAt, until, restMs }: { firstAt: number; until: number; restMs: number },
  strike: (fault: F) => Promise<void>,
): Promise<void> => {
  let left: F[] = []
  for (let due = firstAt; due < until; ) {
    await sleep(Math.max(0, due - performance.now()))
    if (left.length === 0) left = [...faults]
    for (const fault of left.splice(Math.floor(random() * left.length), 1)) await strike(fault)
    due = Math.max(due + faultEveryMs, performance.now() + restMs)
  }
}

const roles = 'processors,connectors'

/** Those that an ingress meets. */
export const edgeFaults: readonly EdgeFault[] = [
  {
    name: 'leader killed',
    async strike(rig) {
      const leader = await leaderOf(rig)
      await rig.kafka.killBroker(leader)
      await sleep(10_000)
      await rig.kafka.restartBroker(leader)
    },
  },
  {
    name: 'leader stopped',
    async strike(rig) {
      const leader = await leaderOf(rig)
      rig.kafka.stopBroker(leader)
      await sleep(6_000)
      await rig.kafka.restartBroker(leader)
    },
  },
  {
    name: 'two brokers killed',
    async strike({ kafka }) {
      await Promise.all([kafka.killBroker(2), kafka.killBroker(3)])
      await sleep(6_000)
      await Promise.all([kafka.restartBroker(2), kafka.restartBroker(3)])
    },
  },
  {
    name: 'Redis killed',
    async strike({ redis }) {
      await redis.kill()
      await sleep(8_000)
      await redis.start()
    },
  },
  {
    name: 'Redis asleep',
    async strike({ redis }) {
      const client = new Redis(redis.url)
      await client.call('DEBUG', 'SLEEP', '8')
      client.disconnect()
    },
  },
  {
    name: 'registry killed',
    async strike({ registry }) {
      await registry.kill()
      await sleep(5_000)
      await registry.start()
    },
  },
]

const faults: readonly SoakFault[] = [
  ...edgeFaults,
  {
    name: 'ClickHouse killed',
    async strike({ clickhouse }) {
      await clickhouse.kill()
      await sleep(8_000)
      await clickhouse.start()
    },
  },
  {
    name: 'ClickHouse stalled',
    async strike({ clickhouse }) {
      clickhouse.stall()
      await sleep(8_000)
      clickhouse.resume()
    },
  },
  {
    name: 'destination says 503',
    async strike({ sink }) {
      sink.fault = { status: 503 }
      await sleep(8_000)
      sink.fault = undefined
    },
  },
  {
    name: 'destination slow',
    async strike({ sink }) {
      sink.fault = { delayMs: 2_000 }
      await sleep(8_000)
      sink.fault = undefined
    },
  },
  {
    name: 'destination resets after its effect',
    async strike({ sink }) {
      sink.fault = { reset: 'after' }
      await sleep(3_000)
      sink.fault = undefined
    },
  },
  {
    name: 'processors killed',
    async strike(rig, workers) {
      await workers.running.kill()
      // The group waits for the dead member until its session is over.
      const [started] = await Promise.all([rig.another({ roles }), sleep(sessionMs)])
      workers.running = started
    },
  },
]

interface Struck {
  name: string
  /** When it began, ms on the clock of `performance`. */
  at: number
  /** ms */
  tookMs: number
  /** Until what waited was less than a second of traffic, and told but for the last seconds, ms. */
  drainMs: number
}

/** One fault, and how long the pipeline takes until hardly anything waits in it, or for the tables. */
const strike = async (
  rig: FaultRig,
  workers: Workers,
  fault: SoakFault,
  perSecond: number,
): Promise<Struck> => {
  const startedAt = performance.now()
  await fault.strike(rig, workers)
  const tookMs = performance.now() - startedAt
  const healedAt = performance.now()
  const drainMs = (): number => performance.now() - healedAt
  const limitMs = Math.max(shortestDrainMs, 2 * tookMs)
  // One connection for all looks: this process is the receiver too, and a connection costs it more than an answer.
  const watch = async (admin: Admin): Promise<boolean> => {
    while (drainMs() < limitMs) {
      const { waiting, untold } = await backlog(admin)
      if (waiting < perSecond && untold < toldSeconds * perSecond) break
      await sleep(500)
    }
    return true
  }
  while (drainMs() < limitMs && !(await withAdmin(rig, watch).catch(() => false))) await sleep(500)
  return { name: fault.name, at: startedAt, tookMs, drainMs: drainMs() }
}

/** Memory by process, sampled until it is stopped. */
const sampleMemory = (pids: () => Readonly<Record<string, number>>) => {
  const points = new Map<string, Point[]>()
  const sample = (): void => {
    for (const [name, pid] of Object.entries(pids())) {
      const value = residentMiB(pid)
      const key = `${name} ${pid}`
      if (value !== undefined)
        points.set(key, [...(points.get(key) ?? []), { at: performance.now(), value }])
    }
  }
  const timer = setInterval(sample, 5_000)
  return {
    stop: () => clearInterval(timer),
    /** Over the second half of the run and of its own life, MiB per minute, of what lived long enough to say. */
    slopes(from: number): Record<string, string> {
      const found: Record<string, string> = {}
      for (const [key, all] of points) {
        const [born] = all
        const last = all.at(-1)
        if (born === undefined || last === undefined) continue
        const half = all.filter(({ at }) => at >= Math.max(from, (born.at + last.at) / 2))
        const [first] = half
        if (first === undefined || last.at - first.at < 2 * minute) continue
        const [name = key] = key.split(' ')
        found[`${name} MiB/min`] = slopePerMinute(half).toFixed(2)
        found[`${name} MiB`] = last.value.toFixed(0)
      }
      return found
    },
  }
}

/** How requests were answered: the share of 5xx, and the longest wait for a 202 in ms. */
const servedOf = (lines: readonly Line[]) => {
  const genuine = lines.filter(({ forged }) => !forged)
  const good = genuine.filter(({ status }) => status === 202)
  return {
    genuine: genuine.length,
    good: good.length,
    errors: lines.filter(({ status }) => status >= 500).length / Math.max(1, lines.length),
    worst2xx: Math.round(
      good.reduce((most, { sentAt, ackAt }) => Math.max(most, ackAt - sentAt), 0),
    ),
  }
}

const segment = async (
  context: RowContext,
  { minutes, perSecond, seed }: { minutes: number; perSecond: number; seed: number },
): Promise<void> => {
  const { rig, checker, load, holds } = context
  checker.begin()
  await rig.restart({ roles: 'ingress,sink,api' })
  const workers: Workers = { running: await rig.another({ roles }) }
  const random = seeded(seed)
  const memory = sampleMemory(() => ({
    ingress: rig.running().pid,
    processors: workers.running.pid,
    clickhouse: rig.clickhouse.pid,
  }))
  const sending = load({ perSecond, rampMs: 15_000 })
  const warming = Math.min(warmUpMs, (minutes * minute) / 4)
  const startedAt = performance.now() + warming
  const endsAt = startedAt + minutes * minute
  const struck: Struck[] = []
  // The last fault leaves time to see how it drains under load.
  const pace = { firstAt: startedAt, until: endsAt - faultEveryMs, restMs: 0 }
  await oneAfterAnother(faults, random, pace, async (fault) => {
    struck.push(await strike(rig, workers, fault, perSecond))
  })
  await sleep(Math.max(0, endsAt - performance.now()))
  const lines = await sending.stop()
  memory.stop()
  const warm = servedOf(lines.filter(({ sentAt }) => sentAt < startedAt))
  const { genuine, good, errors, worst2xx } = servedOf(
    lines.filter(({ sentAt }) => sentAt >= startedAt),
  )
  const availability = good / genuine
  const late = struck.filter(
    ({ tookMs, drainMs }) => drainMs > Math.max(shortestDrainMs, 2 * tookMs),
  )
  const over = struck.filter(({ tookMs, drainMs }) => drainMs > 2 * tookMs)
  const worstDrain = [...struck].sort((a, b) => b.drainMs / b.tookMs - a.drainMs / a.tookMs).at(0)
  const stretches = struck.map(({ drainMs, ...fault }) => ({
    ...fault,
    after: `drained in ${(drainMs / 1_000).toFixed(1)} s`,
  }))
  process.stdout.write(timeline(startedAt, lines, stretches).join(''))
  const found = await holds(`${minutes} minutes at ${perSecond}/s, a fault every 30 s`, lines, {
    faultMs: 30_000,
    least: Math.floor(genuine * 0.99),
    notes: {
      seed,
      faults: struck.length,
      availability: `${(availability * 100).toFixed(4)} %`,
      '5xx': `${(errors * 100).toFixed(4)} %`,
      'worst 2xx ms': worst2xx,
      'warm-up': `${warm.good} of ${warm.genuine} answered 202, worst ${warm.worst2xx} ms`,
      'worst drain': `${Math.round(worstDrain?.drainMs ?? 0)} ms after ${Math.round(worstDrain?.tookMs ?? 0)} ms of ${worstDrain?.name ?? 'nothing'}`,
      'drains over 2x': over.length,
      ...memory.slopes(startedAt + (minutes * minute) / 2),
    },
  })
  expect(availability).toBeGreaterThanOrEqual(0.9999)
  expect(errors).toBeLessThanOrEqual(0.002)
  expect(late).toEqual([])
  expect(found.identities).toEqual([])
  expect(struck.length).toBeGreaterThanOrEqual(Math.floor(minutes / 2))
}

const soak: Row = {
  ids: ['F91'],
  title: 'load for long, with a fault of any kind every 30 s',
  limitMs: { ci: 6 * minute, full: 95 * minute, soak: 20 * minute },
  async run(context) {
    const { length, share } = context
    const plan = {
      ci: { minutes: 2, perSecond: 50 },
      soak: { minutes: 10, perSecond: share(50, 100) },
      full: { minutes: 10, perSecond: share(50, 100) },
    }[length]
    const seed = Number(process.env.ZENHOOK_FAULTS_SEED ?? Date.now() % 1_000_000)
    await segment(context, { ...plan, seed })
  },
}

export const soakRows: readonly Row[] = [soak]
