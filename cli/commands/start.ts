import { Command } from 'commander'
import { messageOf } from '../../core/errors/index.ts'
import { createLogger } from '../../core/telemetry/index.ts'
import { collect, readInput } from '../context.ts'
import { demoConfig, demoSecret, demoSource, sendDemo } from '../demo.ts'
import { type Flags, loadSettings } from '../load-settings.ts'
import { type Runtime, startRuntime } from '../runtime/index.ts'
import type { Settings } from '../settings.ts'
import { storyLine } from '../story.ts'
import { version } from '../version.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

// What a stranger needs to know, in at most 12 lines.
const introduce = (runtime: Runtime, settings: Settings, secret: string | undefined): void => {
  const { publicUrl, url, engines } = runtime
  const { names } = engines
  print(`zenhook ${version()}`)
  if (publicUrl !== '') print(`  listening  ${publicUrl}/in/{tenant}/{source}`)
  print(`  admin      ${url}  (health, metrics, /v1)`)
  if (secret !== undefined) {
    print(`  source     ${publicUrl}/in/${demoSource.tenant}/${demoSource.source}`)
    print(`  secret     ${secret}  (GitHub's scheme, for this demo only)`)
  }
  print(`  data       ${settings.dataDir}`)
  print(`  engines    log ${names.log}, state ${names.state}`)
  print(`             schemas ${names.schemas}, decisions ${names.decisions}`)
  print('  try        npx zenhook trigger github.push')
  print('             npx zenhook events list')
}

const tellDemo = async (runtime: Runtime): Promise<void> => {
  const told = await sendDemo(runtime)
  if (told === undefined) {
    print('the sample event has no end yet: npx zenhook events list shows where it stands')
    return
  }
  print(`sample     ${told.id} ${told.type}`)
  print(`           ${storyLine(told)}`)
  print(`           npx zenhook explain ${told.id}`)
}

/** Resolves when the process is asked to end. */
const ended = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve)
  })

const start = async (flags: Flags): Promise<void> => {
  const { settings, warnings } = loadSettings(flags, process.env)
  const logger = createLogger({ level: settings.logLevel })
  for (const warning of warnings) logger.warn({}, warning)
  const demo = settings.demo ? await demoSecret(settings.dataDir) : undefined
  const runtime = await startRuntime({
    settings,
    logger,
    ...(flags.config === undefined
      ? {}
      : { config: { file: flags.config, text: await readInput(flags.config) } }),
    ...(demo === undefined ? {} : { always: demoConfig(demo.path) }),
  })
  const end = ended()
  introduce(runtime, settings, demo?.value)
  if (demo !== undefined && settings.roles.has('ingress') && settings.roles.has('sink')) {
    await Promise.race([
      tellDemo(runtime).catch((error: unknown) =>
        logger.error({ error: messageOf(error) }, 'the sample event could not be sent'),
      ),
      end,
    ])
  }
  logger.info({ signal: await end }, 'draining')
  await runtime.close()
}

export const startCommand = (): Command =>
  new Command('start')
    .description('run: everything in one process on embedded engines, or roles on real servers')
    .option('--config <file>', 'configuration to publish at the start')
    .option('--data-dir <dir>', 'data folder (default: .zenhook; also DATA_DIR)')
    .option('--host <host>', 'address of the public listener (default: 127.0.0.1; also HOST)')
    .option('--port <n>', 'port of the public listener (default: 8080; also PORT)')
    .option('--admin-port <n>', 'port of the admin listener (default: 8081; also ADMIN_PORT)')
    .option('--roles <list>', 'all, or a list of ingress, processors, connectors, sink, api')
    .option('--chain <mode>', 'fused, or split with a topic between the stages')
    .option('--no-demo', 'without the demo source and its sample event')
    .option(
      '--allow-private <cidrs>',
      'private ranges that destinations may use; may repeat',
      collect,
    )
    .action(start)
