import type { Conditions } from './machine.ts'
import {
  type Ceilings,
  calmRate,
  type ProfileFigures,
  type SystemFigures,
  warmUps,
} from './measure.ts'
import type { EngineSet } from './options.ts'
import type { SelfTime } from './profile.ts'
import type { Percentiles, Run } from './run.ts'

/** What is promised on two cores with generator, servers and sink on the same machine. */
export const targets: Readonly<Partial<Record<EngineSet, { perSecond: number; p95Ms: number }>>> = {
  embedded: { perSecond: 2_500, p95Ms: 20 },
  kafka: { perSecond: 2_500, p95Ms: 40 },
}

export interface Figures {
  conditions: Conditions
  payloadBytes: number
  seconds: number
  ceilings?: Ceilings
  systems: readonly SystemFigures[]
  profiles: readonly ProfileFigures[]
  /** What could not be measured, and why. */
  missing: readonly string[]
}

const titles: Readonly<Record<EngineSet, string>> = {
  embedded: 'Zenhook, embedded',
  kafka: 'Zenhook, Kafka, 1 node RF 1',
  kafka3: 'Zenhook, Kafka, 3 nodes RF 3',
}

const ms = (value: number): string => value.toFixed(1)
const three = ({ p50, p95, p99 }: Percentiles): string => `${ms(p50)} / ${ms(p95)} / ${ms(p99)}`
const cpuSeconds = (cpu: Run['cpu']): string =>
  Object.entries(cpu)
    .map(([part, value]) => `${part} ${(value / 1_000).toFixed(2)}`)
    .join(', ')

const disk = (bytes: SystemFigures['bytesPer1000']): string =>
  Object.entries(bytes)
    .map(([holds, value]) => `${holds} ${Math.round(value / 1024)}`)
    .join(', ')

const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

const head = [
  'what',
  'sustained/s',
  `P50 / P95 / P99 ms at ${calmRate}/s`,
  'P50 / P95 / P99 ms sustained',
  'CPU s per 1,000 (sustained)',
]

const row = (
  name: string,
  { calm, climbed }: Pick<SystemFigures, 'calm' | 'climbed'>,
): readonly string[] => {
  const { sustained } = climbed
  return [
    name,
    sustained === undefined ? 'none' : String(sustained.rate),
    three(calm.latency),
    sustained === undefined ? '' : three(sustained.latency),
    cpuSeconds((sustained ?? calm).cpu),
  ]
}

const titleOf = ({ name, processes, clickhouse }: SystemFigures): string =>
  titles[name] +
  (processes > 1 ? `, ${processes} processes` : '') +
  (clickhouse ? ', ClickHouse over HTTP' : '')

/** What was promised and not reached, in sentences. */
export const missedTargets = (systems: readonly SystemFigures[]): readonly string[] =>
  systems.flatMap((figures) => {
    const target = targets[figures.name]
    if (target === undefined) return []
    const reached = figures.climbed.sustained?.rate ?? 0
    const { p95 } = figures.calm.latency
    return [
      ...(reached < target.perSecond
        ? [`${titleOf(figures)}: ${reached}/s sustained, ${target.perSecond}/s is the target`]
        : []),
      ...(p95 > target.p95Ms
        ? [
            `${titleOf(figures)}: P95 ${ms(p95)} ms at ${calmRate}/s, ${target.p95Ms} ms is the target`,
          ]
        : []),
    ]
  })

/** Whether every id of every run is accounted for. */
export const isComplete = (systems: readonly SystemFigures[]): boolean =>
  systems.every(({ lost, duplicated, unaccounted }) => lost + duplicated + unaccounted === 0)

const shares = (title: string, times: readonly SelfTime[]): string[] =>
  table([
    ['  self', title],
    ...times.slice(0, 25).map((each) => [`  ${(each.share * 100).toFixed(1)}%`, each.name]),
  ])

const profileLines = (figures: ProfileFigures): readonly string[] => {
  const { name, run, threads, busyMs, functions, modules, callers } = figures
  const used = threads
    .filter(([, value]) => value >= 1)
    .map(([thread, value]) => `${thread} ${(value / 1_000).toFixed(3)}`)
  return [
    '',
    `${titles[name]} at ${run.rate}/s: ${(busyMs / 1_000).toFixed(1)} s of its main thread, start and warm-up included`,
    `  threads, CPU s per 1,000 events: ${used.join(', ')}`,
    ...shares('function', functions),
    ...shares('module', modules),
    ...shares('function of Zenhook, with what it called outside', callers),
  ]
}

export const text = (figures: Figures): string => {
  const { conditions: on, ceilings, systems, profiles } = figures
  const lines = [
    `${on.at}, ${on.cores} × ${on.model}, ${on.memoryGiB} GiB, Linux ${on.kernel}, Node.js ${on.node}, load ${on.load} before`,
    Object.entries(on.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `Generator, servers and sink on the same machine; open loop, ${figures.payloadBytes} bytes signed as GitHub signs, ${figures.seconds} s a rate; latency from the intended time of sending; each warmed up with ${warmUps.map(({ rate, seconds }) => `${rate}/s for ${seconds} s`).join(', then ')}`,
  ]
  const rows = [
    ...systems.map((each) => row(titleOf(each), each)),
    ...(ceilings === undefined
      ? []
      : [
          row('bare pipeline (Hono, kafkajs, undici)', ceilings.pipeline),
          row('bare Hono with HMAC (until its answer)', ceilings.hono),
        ]),
  ]
  if (rows.length > 0) lines.push('', ...table([head, ...rows]))
  if (ceilings !== undefined) {
    const { producedPerSecond, consumedPerSecond, produceCpu, consumeCpu } = ceilings.kafka
    lines.push(
      '',
      `bare kafkajs, one node, batches of 100: ${Math.round(producedPerSecond)}/s produced (client CPU ${(produceCpu / 1_000).toFixed(3)} s per 1,000), ${Math.round(consumedPerSecond)}/s consumed (${(consumeCpu / 1_000).toFixed(3)})`,
    )
  }
  for (const each of systems) {
    const { calm, events, lost, duplicated, unaccounted } = each
    lines.push(
      '',
      `${titleOf(each)}: ${events} events sent; lost ${lost}, duplicated ${duplicated}, unaccounted ${unaccounted}`,
      `  KiB on disk per 1,000 events: ${disk(each.bytesPer1000)}; ${Math.round(each.peakMiB)} MiB resident at most`,
      `  at ${calmRate}/s: answered in ${three(calm.answer)} ms, CPU s per 1,000: ${cpuSeconds(calm.cpu)}`,
    )
    const { sustained } = each.climbed
    if (sustained !== undefined)
      lines.push(
        `  at ${sustained.rate}/s: answered in ${three(sustained.answer)} ms, generator late by ${ms(sustained.lateMs)} ms (P99), drained ${Math.round(sustained.drainMs)} ms after the last request, others used ${sustained.othersCores.toFixed(2)} cores`,
      )
  }
  for (const each of systems)
    for (const [warning, times] of Object.entries(each.warnings))
      lines.push('', `${titleOf(each)} warned ${times} times: ${warning}`)
  for (const profile of profiles) lines.push(...profileLines(profile))
  const missed = missedTargets(systems)
  if (systems.length > 0)
    lines.push('', missed.length === 0 ? 'All targets reached.' : 'Missed:', ...missed)
  if (figures.missing.length > 0) lines.push('', 'Not measured:', ...figures.missing)
  return `${lines.join('\n')}\n`
}
