import { resolve } from 'node:path'
import { messageOf } from '../core/errors/index.ts'
import { createLogger } from '../core/telemetry/index.ts'
import { defaultDataDir, readInput } from './context.ts'
import { demoBin, demoConfig, demoSecret, demoSecretPath, demoSource, sendDemo } from './demo.ts'
import { type Flags, loadSettings } from './load-settings.ts'
import { reasonOf } from './output.ts'
import type { Runtime } from './runtime/index.ts'
import { CalledOff, type Waiting } from './runtime/patience.ts'
import { roles } from './runtime/roles.ts'
import type { Settings } from './settings.ts'
import { storyLine } from './story.ts'
import { version } from './version.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const instead = (wanted: number, got: number | undefined): string =>
  wanted === 0 || got === undefined || got === wanted ? '' : `  (port ${wanted} is in use)`

/** Names the data folder to a command of the same shell, where it would not find it by itself. */
const folderOption = ({ dataDir }: Settings): string => {
  if (dataDir === resolve(defaultDataDir)) return ''
  const plain = /^[\w./-]+$/.test(dataDir)
  return ` --data-dir ${plain ? dataDir : `'${dataDir.replaceAll("'", "'\\''")}'`}`
}

/** Two commands that work with this process as it is. */
const nextCommands = (settings: Settings, hasDemo: boolean): readonly [string, string] => {
  const folder = folderOption(settings)
  const { roles } = settings
  // Without the sink nobody may have made the tables yet.
  const hasEvents = roles.has('api') && roles.has('sink')
  // Without a source named it would go to one of the user's own, or to none of several.
  const demo = `--source ${demoSource.tenant}/${demoSource.source}`
  return [
    hasDemo ? `trigger github.push ${demo}${folder}` : 'providers list',
    `${hasEvents ? 'events list' : 'doctor'}${folder}`,
  ]
}

// What a stranger needs to know, in at most 12 lines.
const introduce = (runtime: Runtime, settings: Settings, secret: string | undefined): void => {
  const { publicUrl, url, engines, publicPort, listenUrl, adminPort } = runtime
  const { names } = engines
  print(`zenhook ${version()}`)
  if (publicPort !== undefined) {
    const other = instead(settings.port, publicPort)
    print(`  listening  ${listenUrl}/in/{tenant}/{source}${other}`)
    if (publicUrl !== listenUrl) print(`  public     ${publicUrl}/in/{tenant}/{source}`)
  }
  print(`  admin      ${url}${instead(settings.adminPort, adminPort)}`)
  if (secret !== undefined) {
    print(`  source     ${publicUrl}/in/${demoSource.tenant}/${demoSource.source}`)
    print(`  secret     ${secret}  (GitHub's scheme, for this demo only)`)
  }
  print(`  data       ${settings.dataDir}`)
  print(`  engines    log ${names.log}, state ${names.state}`)
  print(`             schemas ${names.schemas}, decisions ${names.decisions}`)
  const [first, second] = nextCommands(settings, secret !== undefined)
  print(`  try        npx zenhook ${first}`)
  print(`             npx zenhook ${second}`)
}

const tellDemo = async (runtime: Runtime, settings: Settings): Promise<void> => {
  const told = await sendDemo(runtime)
  const folder = folderOption(settings)
  if (told === undefined) {
    print(`the sample event has no end yet: npx zenhook events list${folder} shows where it stands`)
    return
  }
  print(`sample     ${told.id} ${told.type}`)
  print(`           ${storyLine(told)}`)
  const bin = demoBin(told)
  if (bin !== undefined && settings.play) print(`           ${runtime.url}/play/${bin}/requests`)
  print(`           npx zenhook explain ${told.id}${folder}`)
}

const sayWaiting = ({ name, error }: Waiting): void => {
  const reason = reasonOf(error)
  const why = reason === undefined ? '' : ` (${reason})`
  say(`waiting for ${name}: ${error.message}${why}. ${error.fix}`)
}

/** One Ctrl-C reaches us from the terminal, and once more from npm, which passes on what it gets itself. */
const sameRequestMs = 500

/** Aborts when the process is asked to end; when it is asked once more it ends at once. */
const endOnSignal = (): AbortSignal => {
  const ending = new AbortController()
  let askedAt = Number.NEGATIVE_INFINITY
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!ending.signal.aborted) {
        askedAt = performance.now()
        ending.abort(signal)
      } else if (performance.now() - askedAt > sameRequestMs) process.exit(1)
    })
  }
  return ending.signal
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Runs until the process is asked to end, then drains. */
export const start = async (flags: Flags): Promise<void> => {
  const end = endOnSignal()
  const { settings, warnings } = loadSettings(flags, process.env)
  const logger = createLogger({ level: settings.logLevel })
  for (const warning of warnings) say(`warning: ${warning}`)
  const config =
    flags.config === undefined
      ? undefined
      : { file: flags.config, text: await readInput(flags.config) }
  // Other processes could not read the secret of a demo that this one published: it is a file of this host.
  const isWhole = roles.every((role) => settings.roles.has(role))
  const demo = settings.demo && isWhole ? await demoSecret(settings.dataDir) : undefined
  // What is wrong with the command line is said before all of it is loaded.
  const { startRuntime } = await import('./runtime/index.ts')
  let runtime: Runtime
  try {
    runtime = await startRuntime({
      settings,
      logger,
      signal: end,
      onWaiting: sayWaiting,
      onArrived: (name) => say(`${name} answers`),
      ...(config === undefined ? {} : { config }),
      standing: {
        ...(demo === undefined ? {} : { always: demoConfig(demo.path) }),
        ...(settings.demo ? {} : { unwanted: demoConfig(demoSecretPath(settings.dataDir)) }),
      },
    })
  } catch (error) {
    if (end.aborted && error instanceof CalledOff) return
    throw error
  }
  introduce(runtime, settings, demo?.value)
  if (demo !== undefined) {
    await Promise.race([
      tellDemo(runtime, settings).catch((error: unknown) => {
        if (!end.aborted) say(`the sample event could not be sent: ${messageOf(error)}`)
      }),
      aborted(end),
    ])
  }
  await aborted(end)
  logger.info({ signal: String(end.reason) }, 'draining')
  await runtime.close()
}
