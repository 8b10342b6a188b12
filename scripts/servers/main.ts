import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { attachKafka, startKafka } from './kafka.ts'
import { endProcess, isAlive } from './process.ts'
import { pingRedis, pingRegistry, type Service, startRedis, startRegistry } from './services.ts'
import { readState, type ServersState, serversDir, stateFile, writeState } from './state.ts'

const usage = `Usage: npm run servers -- up|down|status [-o json] [--only kafka,registry,redis]

Real servers for tests on this machine: three Kafka nodes, a schema registry, Redis.
  up      starts what does not run, waits until it is ready, prints what to export
  down    ends exactly these processes and removes their data
  status  exits 1 when something is down
`

const names = ['kafka', 'registry', 'redis'] as const
type Name = (typeof names)[number]
type Print = (line: string) => void

const note: Print = (line) => process.stderr.write(`${line}\n`)

const serviceWorks = async (
  service: Service | undefined,
  ping: (url: string) => Promise<boolean>,
): Promise<boolean> =>
  service !== undefined && isAlive(service.process) && ping(service.url).catch(() => false)

const works: Record<Name, (state: ServersState) => Promise<boolean>> = {
  kafka: async ({ kafka }) =>
    kafka?.nodes.every((node) => isAlive(node.process)) === true &&
    attachKafka(kafka)
      .healthy(5_000)
      .then(
        () => true,
        () => false,
      ),
  registry: ({ registry }) => serviceWorks(registry, pingRegistry),
  redis: ({ redis }) => serviceWorks(redis, pingRedis),
}

const end: Record<Name, (state: ServersState) => Promise<void>> = {
  kafka: async ({ kafka }) => {
    if (kafka !== undefined) await attachKafka(kafka).down()
  },
  registry: async ({ registry }) => {
    if (registry !== undefined) await endProcess(registry.process)
  },
  redis: async ({ redis }) => {
    if (redis !== undefined) await endProcess(redis.process)
  },
}

// Noted before they are ready: `down` finds them even when `up` was interrupted.
const record = (started: Partial<ServersState>): void => writeState({ ...readState(), ...started })

const start: Record<Name, () => Promise<unknown>> = {
  kafka: () =>
    startKafka({
      dir: join(serversDir(), 'kafka'),
      keep: true,
      onStart: (kafka) => record({ kafka }),
    }),
  registry: () => startRegistry(join(serversDir(), 'registry'), (registry) => record({ registry })),
  redis: () => startRedis(join(serversDir(), 'redis'), (redis) => record({ redis })),
}

const environment = (state: ServersState): Record<string, string> => ({
  ...(state.kafka && {
    KAFKA_BROKERS: state.kafka.nodes.map(({ port }) => `127.0.0.1:${port}`).join(','),
  }),
  ...(state.registry && { SCHEMA_REGISTRY_URL: state.registry.url }),
  ...(state.redis && { REDIS_URL: state.redis.url }),
})

const print = (state: ServersState, asJson: boolean): void => {
  const env = environment(state)
  const text = asJson
    ? JSON.stringify({ ...state, env, stateFile: stateFile() }, undefined, 2)
    : Object.entries(env)
        .map(([name, value]) => `export ${name}=${value}`)
        .join('\n')
  process.stdout.write(`${text}\n`)
}

const up = async (chosen: readonly Name[], asJson: boolean): Promise<number> => {
  for (const name of chosen) {
    const state = readState()
    if (await works[name](state)) {
      note(`${name}: runs already`)
      continue
    }
    await end[name](state)
    await rm(join(serversDir(), name), { recursive: true, force: true })
    const began = Date.now()
    note(`${name}: starting`)
    await start[name]()
    note(`${name}: ready after ${((Date.now() - began) / 1000).toFixed(1)} s`)
  }
  print(readState(), asJson)
  return 0
}

const down = async (chosen: readonly Name[]): Promise<number> => {
  const state = readState()
  for (const name of chosen) {
    if (state[name] === undefined) continue
    await end[name](state)
    await rm(join(serversDir(), name), { recursive: true, force: true })
    delete state[name]
    note(`${name}: ended`)
  }
  if (names.some((name) => state[name] !== undefined)) writeState(state)
  else if (existsSync(serversDir())) await rm(serversDir(), { recursive: true, force: true })
  return 0
}

const status = async (chosen: readonly Name[], asJson: boolean): Promise<number> => {
  const state = readState()
  const rows = await Promise.all(
    chosen.map(async (name) => ({ name, up: await works[name](state) })),
  )
  process.stdout.write(
    asJson
      ? `${JSON.stringify({ servers: rows, env: environment(state) }, undefined, 2)}\n`
      : `${rows.map((row) => `${row.name}\t${row.up ? 'up' : 'down'}`).join('\n')}\n`,
  )
  return rows.every((row) => row.up) ? 0 : 1
}

const optionOf = (args: readonly string[], ...flags: string[]): string | undefined => {
  const index = args.findIndex((arg) => flags.includes(arg))
  return index < 0 ? undefined : args[index + 1]
}

const main = async (args: readonly string[]): Promise<number> => {
  const asJson = optionOf(args, '-o', '--output') === 'json'
  const only = optionOf(args, '--only')?.split(',')
  const chosen = names.filter((name) => only === undefined || only.includes(name))
  switch (args[0]) {
    case 'up':
      return up(chosen, asJson)
    case 'down':
      return down(chosen)
    case 'status':
      return status(chosen, asJson)
    default:
      process.stderr.write(usage)
      return args[0] === '--help' ? 0 : 2
  }
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    note(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  },
)
