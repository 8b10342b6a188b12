import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Decided, decidedOf } from './accounting.ts'
import type { Job, Sent } from './generator.ts'
import { cpuMs, machineCpuMs } from './machine.ts'
import type { Child } from './rpc.ts'

/** The two sides of every run. */
export interface Rig {
  generator: Child
  sink: Child
  sinkUrl: string
  /** For files of a run. */
  folder: string
}

/** What is measured: a URL that takes events, and the processes behind it. */
export interface Target {
  url: string
  processes: Readonly<Record<string, readonly number[]>>
  /** Whether what it takes reaches the sink. */
  delivers: boolean
  query?: (sql: string) => Promise<readonly Record<string, unknown>[]>
}

export interface Run {
  rate: number
  seconds: number
  sent: number
  /** Answered 202. */
  accepted: number
  delivered: number
  /** Accepted and not delivered. */
  lost: number
  /** Arrived more than once. */
  duplicated: number
  /** Accepted, and not `delivered` in the decision tables. */
  unaccounted: number
  /** End to end: from the intended time of sending to the arrival at the sink (the answer, where nothing is delivered), ms. */
  latency: Percentiles
  /** From the intended time of sending to the answer, ms. */
  answer: Percentiles
  /** How late requests left the generator, P99, ms. */
  lateMs: number
  /** From the last request to the last arrival, ms. */
  drainMs: number
  /** From the last arrival until every event was in the decision tables, ms. */
  decidedMs?: number
  /** CPU by part, ms per 1,000 events. */
  cpu: Readonly<Record<string, number>>
  /** Cores that everything else on the machine used meanwhile. */
  othersCores: number
}

export interface Percentiles {
  p50: number
  p95: number
  p99: number
}

const percentilesOf = (values: number[]): Percentiles => {
  values.sort((a, b) => a - b)
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

const drainLimitMs = 30_000
const connections = 128

/** Waits until all that was accepted arrived, or the time is up. */
const drained = async ({ sink }: Rig, run: string, expected: number): Promise<void> => {
  const deadline = Date.now() + drainLimitMs
  while (Date.now() < deadline && (await sink.ask<number>('count', run)) < expected)
    await sleep(100)
}

interface SentEvent {
  id: string
  intendedAt: number
  sentAt: number
  status: number
  answeredAt: number
}

const lines = async (file: string): Promise<string[][]> => {
  const text = await readFile(file, 'utf8')
  await rm(file)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'))
}

const sentEvents = async (file: string): Promise<readonly SentEvent[]> =>
  (await lines(file)).map(([id = '', , , intended, sent, status, answered]) => ({
    id,
    intendedAt: Number(intended),
    sentAt: Number(sent),
    status: Number(status),
    answeredAt: Number(answered),
  }))

const arrivals = async (rig: Rig, run: string): Promise<Map<string, [number, number]>> => {
  const file = join(rig.folder, `${run}.arrived`)
  await rig.sink.ask('write', { run, file })
  return new Map(
    (await lines(file)).map(([id = '', at, copies]) => [id, [Number(at), Number(copies)]]),
  )
}

/** CPU of each part between two points. */
const meter = (
  rig: Rig,
  target: Target,
): (() => { parts: Record<string, number>; all: number }) => {
  const parts = { ...target.processes, sink: [rig.sink.pid] }
  const before = Object.entries(parts).map(([name, pids]): [string, number] => [name, cpuMs(pids)])
  const machine = machineCpuMs()
  return () => ({
    parts: Object.fromEntries(
      before.map(([name, ms]) => [name, cpuMs(parts[name as keyof typeof parts] ?? []) - ms]),
    ),
    all: machineCpuMs() - machine,
  })
}

/** Sends at one rate for some seconds, waits until all of it arrived, and accounts for every id. */
export const runAt = async (
  rig: Rig,
  target: Target,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<Run> => {
  const run = randomBytes(8).toString('hex')
  const count = Math.round(rate * seconds)
  const file = join(rig.folder, `${run}.sent`)
  const job: Job = { url: target.url, run, rate, count, connections, file }
  await rig.generator.ask('prepare', job)
  const began = Date.now()
  const measured = meter(rig, target)
  const { firstAt, lastAt, cpuMs: generatorMs } = await rig.generator.ask<Sent>('go')
  const sent = await sentEvents(file)
  const accepted = sent.filter(({ status }) => status === 202)
  if (target.delivers) await drained(rig, run, accepted.length)
  // The decisions about the last deliveries are written a moment later.
  await sleep(300)
  const { parts, all } = measured()
  const wallMs = Date.now() - began
  const decided: Decided | undefined =
    target.query && (await decidedOf(target.query, { run, firstAt, accepted: accepted.length }))
  const arrived = await arrivals(rig, run)
  const latencies = target.delivers
    ? sent.flatMap(({ id, intendedAt }) => {
        const [at] = arrived.get(id) ?? []
        return at === undefined ? [] : [at - intendedAt]
      })
    : accepted.map(({ answeredAt, intendedAt }) => answeredAt - intendedAt)
  const ends = target.delivers
    ? [...arrived.values()].map(([at]) => at)
    : accepted.map(({ answeredAt }) => answeredAt)
  const per1000 = (ms: number): number => (ms * 1_000) / count
  const ours = Object.values(parts).reduce((sum, ms) => sum + ms, generatorMs)
  return {
    rate,
    seconds,
    sent: count,
    accepted: accepted.length,
    delivered: arrived.size,
    lost: target.delivers ? accepted.filter(({ id }) => !arrived.has(id)).length : 0,
    duplicated: [...arrived.values()].filter(([, copies]) => copies > 1).length,
    unaccounted: decided ? accepted.filter(({ id }) => !decided.delivered.has(id)).length : 0,
    latency: percentilesOf(latencies),
    answer: percentilesOf(accepted.map(({ answeredAt, intendedAt }) => answeredAt - intendedAt)),
    lateMs: percentilesOf(sent.map(({ sentAt, intendedAt }) => sentAt - intendedAt)).p99,
    drainMs: ends.reduce((latest, at) => Math.max(latest, at), 0) - lastAt,
    ...(decided && { decidedMs: decided.tookMs }),
    cpu: Object.fromEntries(
      [...Object.entries(parts), ['generator', generatorMs] as const].map(([name, ms]) => [
        name,
        per1000(ms),
      ]),
    ),
    othersCores: Math.max(0, all - ours) / wallMs,
  }
}

const drainedMs = 1_000

/** Whether a rate was kept up: everything answered 202, delivered once and soon, and accounted for. */
export const isSustained = (run: Run, { delivers }: Pick<Target, 'delivers'>): boolean =>
  run.accepted === run.sent &&
  (!delivers || run.delivered === run.sent) &&
  run.lost + run.duplicated + run.unaccounted === 0 &&
  run.drainMs <= drainedMs
