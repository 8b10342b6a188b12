import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaCeiling } from './ceilings/kafka.ts'
import { type Climbed, climb } from './ladder.ts'
import { diskBytes, peakMiB, threadCpuMs } from './machine.ts'
import type { EngineSet, Options } from './options.ts'
import { type Profiled, readProfiles } from './profile.ts'
import { type Child, startChild } from './rpc.ts'
import { isSustained, type Rig, type Run, runAt, type Target } from './run.ts'
import { type Servers, startServers } from './servers.ts'
import { type System, startSystem } from './system.ts'

/** The rate at which latency is compared. */
export const calmRate = 300

const systemBudgetMs = 90_000

export interface SystemFigures {
  name: EngineSet
  processes: number
  /** ClickHouse's client in front of an engine in a process of its own. */
  clickhouse: boolean
  calm: Run
  climbed: Climbed
  /** Growth of every engine's folder, bytes per 1,000 events. */
  bytesPer1000: Readonly<Record<string, number>>
  /** The highest resident size, MiB. */
  peakMiB: number
  /** Of all runs, the warm-up and those that failed included. */
  events: number
  lost: number
  duplicated: number
  unaccounted: number
  /** What its processes warned of, by message. */
  warnings: Readonly<Record<string, number>>
}

export interface Ceiling {
  name: string
  calm: Run
  climbed: Climbed
}

export interface Ceilings {
  hono: Ceiling
  kafka: KafkaCeiling
  pipeline: Ceiling
}

export interface Bench {
  rig: Rig
  options: Options
  /** Folder for everything, removed at the end. */
  folder: string
  /** Says what is going on. */
  note(text: string): void
  /** What must be ended when the benchmark is interrupted. */
  closers: Set<() => Promise<void>>
  /** Aborts when the benchmark is interrupted. */
  stopping: AbortSignal
}

/** Runs with something that is closed afterwards, in any case and once. */
const using = async <T extends { close(): Promise<void> }, R>(
  bench: Bench,
  opening: Promise<T>,
  work: (opened: T) => Promise<R>,
): Promise<R> => {
  const opened = await opening
  const close = (): Promise<void> => opened.close()
  bench.closers.add(close)
  try {
    return await work(opened)
  } finally {
    bench.closers.delete(close)
    await close()
  }
}

const told = (bench: Bench, name: string, run: Run): Run => {
  const { rate, accepted, delivered, latency, drainMs, decidedMs, othersCores } = run
  const { lost, duplicated, unaccounted } = run
  const faults = Object.entries({ lost, duplicated, unaccounted })
    .filter(([, n]) => n > 0)
    .map(([word, n]) => `, ${n} ${word}`)
    .join('')
  const decided = decidedMs === undefined ? '' : `, decided +${Math.round(decidedMs)} ms`
  bench.note(
    `  ${name} ${rate}/s: accepted ${accepted}/${run.sent}, delivered ${delivered}${faults}, P95 ${latency.p95.toFixed(1)} ms, drain ${Math.round(drainMs)} ms${decided}, others ${othersCores.toFixed(2)} cores`,
  )
  return run
}

const serversOf = (bench: Bench, name: string, nodes: number, whole: boolean): Promise<Servers> =>
  startServers({
    folder: join(bench.folder, name),
    kafkaNodes: nodes,
    whole,
    clickhouse: whole && bench.options.clickhouse,
  })

const noServers: Servers = {
  env: {},
  brokers: [],
  processes: {},
  folders: {},
  close: async () => undefined,
}

/**
 * Until runtimes have compiled what they run, and what the first rate left behind is over: a fresh process, or
 * a broker of a minute ago, says little of those that serve all day. In this order; the same for the ceilings.
 */
export const warmUps = [
  { rate: 1_000, seconds: 20 },
  { rate: calmRate, seconds: 20 },
] as const

interface Running {
  system: System
  servers: Servers
  target: Target
}

/** Starts Zenhook on these engines, warms it up, and ends it after the work. */
const running = async <R>(
  bench: Bench,
  name: EngineSet,
  work: (running: Running, warm: readonly Run[]) => Promise<R>,
  profiles?: string,
): Promise<R> => {
  const { rig, options, folder } = bench
  bench.note(`${name}: starting`)
  const starting =
    name === 'embedded'
      ? Promise.resolve(noServers)
      : serversOf(bench, name, name === 'kafka3' ? 3 : 1, true)
  return using(bench, starting, (servers) =>
    using(
      bench,
      startSystem({
        folder: join(folder, `${name}-data`),
        sinkUrl: rig.sinkUrl,
        servers: servers.env,
        split: options.split && name !== 'embedded',
        nodeArgs: options.nodeArgs,
        ...(profiles === undefined ? {} : { profiles }),
      }),
      async (system) => {
        const target: Target = {
          url: system.url,
          processes: { zenhook: system.pids, ...servers.processes },
          delivers: true,
          query: system.query,
        }
        const warm: Run[] = []
        for (const phase of warmUps)
          warm.push(told(bench, 'warm-up', await runAt(rig, target, phase)))
        return work({ system, servers, target }, warm)
      },
    ),
  )
}

export const measureSystem = (bench: Bench, name: EngineSet): Promise<SystemFigures> =>
  running(bench, name, async ({ system, servers, target }, warm) => {
    const { rig, options } = bench
    const folders = Object.entries({ ...system.folders, ...servers.folders })
    const sizes = (): Promise<number[]> => Promise.all(folders.map(([, path]) => diskBytes(path)))
    const { seconds } = options
    const at = async (rate: number): Promise<Run> =>
      told(bench, name, await runAt(rig, target, { rate, seconds }))
    const before = await sizes()
    const calm = await at(calmRate)
    const climbed = await climb({
      rates: options.rates,
      first: options.first,
      attempt: at,
      holds: (run) => isSustained(run, target),
      budgetMs: systemBudgetMs,
    })
    const measured = [calm, ...climbed.runs]
    const after = await sizes()
    const events = measured.reduce((sum, run) => sum + run.sent, 0)
    const all = [...warm, ...measured]
    const total = (of: (run: Run) => number): number => all.reduce((sum, run) => sum + of(run), 0)
    return {
      name,
      processes: system.pids.length,
      clickhouse: 'clickhouse' in servers.processes,
      calm,
      climbed,
      bytesPer1000: Object.fromEntries(
        folders.map(([holds], index) => [
          holds,
          (((after[index] ?? 0) - (before[index] ?? 0)) * 1_000) / events,
        ]),
      ),
      peakMiB: peakMiB(system.pids),
      events: total((run) => run.sent),
      lost: total((run) => run.lost),
      // Copies may come long after their run: the sink counts over all of them.
      duplicated: Math.max(
        total((run) => run.duplicated),
        await rig.sink.ask<number>('duplicated'),
      ),
      unaccounted: total((run) => run.unaccounted),
      warnings: Object.fromEntries(system.warnings),
    }
  })

export interface ProfileFigures extends Profiled {
  name: EngineSet
  run: Run
  /** CPU by name of thread while it ran, ms per 1,000 events. */
  threads: readonly (readonly [string, number])[]
}

export const profileSystem = async (
  bench: Bench,
  name: EngineSet,
  rate: number,
): Promise<ProfileFigures> => {
  const profiles = join(bench.folder, `${name}-profiles`)
  await mkdir(profiles)
  const { run, threads } = await running(
    bench,
    name,
    async ({ system, target }) => {
      const main = system.pids[0] ?? 0
      const before = threadCpuMs(main)
      const { seconds } = bench.options
      const done = told(bench, name, await runAt(bench.rig, target, { rate, seconds }))
      const used = [...threadCpuMs(main)]
        .map(([thread, ms]): [string, number] => [
          thread,
          ((ms - (before.get(thread) ?? 0)) * 1_000) / done.sent,
        ])
        .sort(([, a], [, b]) => b - a)
      return { run: done, threads: used }
    },
    profiles,
  )
  return { name, run, threads, ...(await readProfiles(profiles)) }
}

const ceilingSeconds = 5
const ceilingBudgetMs = 40_000

const climbCeiling = async (bench: Bench, name: string, target: Target): Promise<Ceiling> => {
  const at = async (rate: number, seconds = ceilingSeconds): Promise<Run> =>
    told(bench, name, await runAt(bench.rig, target, { rate, seconds }))
  for (const { rate, seconds } of warmUps) await at(rate, seconds)
  const calm = await at(calmRate)
  const climbed = await climb({
    rates: [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 8_000, 10_000, 12_000],
    first: target.delivers ? 4_000 : 6_000,
    attempt: at,
    holds: (run) => isSustained(run, target),
    budgetMs: ceilingBudgetMs,
  })
  return { name, calm, climbed }
}

const ceilingOf = (
  bench: Bench,
  name: string,
  start: (child: Child) => Promise<string>,
  script: string,
  { processes, delivers }: Pick<Target, 'processes' | 'delivers'>,
): Promise<Ceiling> =>
  using(bench, startChild(script), async (child) =>
    climbCeiling(bench, name, {
      url: await start(child),
      processes: { bare: [child.pid], ...processes },
      delivers,
    }),
  )

/** What the same machine does with the bare parts: nobody can be faster than these. */
export const measureCeilings = async (bench: Bench): Promise<Ceilings> => {
  bench.note('ceilings: starting')
  const hono = await ceilingOf(
    bench,
    'bare Hono with HMAC',
    (child) => child.ask<string>('listen'),
    'ceilings/hono.ts',
    { processes: {}, delivers: false },
  )
  return using(bench, serversOf(bench, 'ceilings', 1, false), async ({ brokers, processes }) => {
    const kafka = await using(bench, startChild('ceilings/kafka.ts'), (child) =>
      child.ask<KafkaCeiling>('measure', { brokers, seconds: ceilingSeconds }),
    )
    const pipeline = await ceilingOf(
      bench,
      'bare pipeline',
      (child) => child.ask<string>('start', { brokers, sinkUrl: bench.rig.sinkUrl }),
      'ceilings/pipeline.ts',
      { processes, delivers: true },
    )
    return { hono, kafka, pipeline }
  })
}
