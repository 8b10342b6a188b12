import { parseArgs } from 'node:util'
import { defaultRates } from './ladder.ts'

export const engineSets = ['embedded', 'kafka', 'kafka3'] as const
export type EngineSet = (typeof engineSets)[number]

export interface Options {
  ceilings: boolean
  engines: readonly EngineSet[]
  /** Of one run at one rate. */
  seconds: number
  rates: readonly number[]
  /** Where the search for the highest rate begins. */
  first: number
  split: boolean
  clickhouse: boolean
  /** More arguments of Node.js for Zenhook's processes. */
  nodeArgs: readonly string[]
  /** Rate at which the process is profiled instead of measured. */
  profile: number | undefined
  json: boolean
  build: boolean
  /** Whether a missed target fails the command; a lost id always does. */
  fail: boolean
}

export const usage = `Usage: npm run bench -- [options]

  --engines LIST      embedded, kafka (one node, RF 1), kafka3 (three nodes, RF 3); all by default
  --only LIST         as --engines, with ceilings as one more name: runs nothing else
  --seconds N         length of one run at one rate (default 10)
  --rates LIST        rates to try, events per second
  --first N           where the search for the highest rate begins (default 2500)
  --split-roles       on Kafka: ingress in one process, the rest in another
  --clickhouse-front  on Kafka: decisions through ClickHouse's client and HTTP, the engine in its own process
  --profile [N]       instead: where the time of the main thread goes at N events per second (default 1500)
  --node-args=TEXT    more arguments of Node.js for Zenhook's processes, to compare them
  --no-build          runs dist as it is
  --no-fail           exits 0 when a target is missed; a lost event always exits 1
  -o, --output json   figures as JSON
`

export class UsageError extends Error {}

const numberOf = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new UsageError(`${name} '${text}' is no number`)
  return value
}

const listOf = (text: string): string[] => text.split(',').map((each) => each.trim())

const setsOf = (names: readonly string[]): readonly EngineSet[] =>
  names.map((name) => {
    const set = engineSets.find((one) => one === name)
    if (set === undefined)
      throw new UsageError(`There are no engines '${name}': use ${engineSets.join(', ')}`)
    return set
  })

/** A bound of what one statement reads from the decision tables. */
const maxEvents = 100_000

/** Undefined when help was asked for. */
export const readOptions = (args: readonly string[]): Options | undefined => {
  const parsed = (() => {
    try {
      return parseArgs({
        args: args.map((arg, index) => {
          const bare = arg === '--profile' && !/^\d/.test(args[index + 1] ?? '')
          return bare ? '--profile=1500' : arg
        }),
        options: {
          engines: { type: 'string' },
          only: { type: 'string' },
          seconds: { type: 'string', default: '10' },
          rates: { type: 'string' },
          first: { type: 'string', default: '2500' },
          'split-roles': { type: 'boolean', default: false },
          'clickhouse-front': { type: 'boolean', default: false },
          'node-args': { type: 'string', default: '' },
          profile: { type: 'string' },
          'no-build': { type: 'boolean', default: false },
          'no-fail': { type: 'boolean', default: false },
          output: { type: 'string', short: 'o', default: 'text' },
          help: { type: 'boolean', short: 'h', default: false },
        },
      })
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error))
    }
  })()
  const { values } = parsed
  if (values.help) return undefined
  if (values.output !== 'text' && values.output !== 'json')
    throw new UsageError(`There is no output '${values.output}': use text or json`)
  const only = values.only === undefined ? undefined : listOf(values.only)
  const names = only?.filter((name) => name !== 'ceilings') ?? listOf(values.engines ?? '')
  const engines = values.engines === undefined && only === undefined ? engineSets : setsOf(names)
  const seconds = numberOf('--seconds', values.seconds)
  const rates =
    values.rates === undefined
      ? defaultRates
      : listOf(values.rates).map((text) => numberOf('--rates', text))
  const profile = values.profile === undefined ? undefined : numberOf('--profile', values.profile)
  if (seconds * Math.max(profile ?? 0, ...rates.filter((rate) => rate <= 6_000)) > maxEvents)
    throw new UsageError(`--seconds ${seconds} is too long: a run has at most ${maxEvents} events`)
  return {
    ceilings: only === undefined ? profile === undefined : only.includes('ceilings'),
    engines,
    seconds,
    rates,
    first: numberOf('--first', values.first),
    split: values['split-roles'],
    clickhouse: values['clickhouse-front'],
    nodeArgs: values['node-args'].split(' ').filter((arg) => arg !== ''),
    profile,
    json: values.output === 'json',
    build: !values['no-build'],
    fail: !values['no-fail'],
  }
}
