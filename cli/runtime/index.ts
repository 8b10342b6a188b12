import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdmin } from '../../api/app.ts'
import type { AdminDependencies, ApiDependencies, Check } from '../../api/types.ts'
import { createBins } from '../../connectors/index.ts'
import { isLoopback } from '../../core/net/address.ts'
import { createQuarantine } from '../../core/stage/quarantine.ts'
import { createMetrics, type Logger, type Metrics } from '../../core/telemetry/index.ts'
import type { Instance } from '../client.ts'
import { type Engines, openCodec, openEngines, prepareLog } from '../engines.ts'
import type { Settings } from '../settings.ts'
import { version } from '../version.ts'
import { auditOf } from './accounting.ts'
import { createConfigurer, readConfig, type Standing } from './configure.ts'
import { adminToken, announce, openDataFolder } from './data-folder.ts'
import { hash } from './data-plane.ts'
import { type ConfigFile, startFlow } from './flow.ts'
import { createChecks } from './health.ts'
import { sampleLag } from './lag.ts'
import {
  type Lobby,
  listenFrom,
  openLobby,
  ownListenersOf,
  serveAdmin,
  urlOf,
} from './listeners.ts'
import { measured } from './measure.ts'
import { createParts, type Parts } from './parts.ts'
import { CalledOff, createPatience, type Waiting } from './patience.ts'
import { createProbes, engineProbes, type Probes, registryProbe } from './probes.ts'
import { openRegistry } from './registry.ts'
import { openReplays } from './replays.ts'
import { groupsOf, shownTopology, topologyOf } from './topology.ts'
import { openTracing } from './tracing.ts'
import { triggerSample } from './trigger.ts'

export interface RuntimeOptions {
  settings: Settings
  logger: Logger
  /** Configuration to publish at the start. */
  config?: ConfigFile
  /** The demo, where it is wanted, and where it is not. */
  standing?: Standing
  /** Ends the start, and closes what it has opened: `startRuntime` rejects with CalledOff then. */
  signal?: AbortSignal
  onWaiting?(waiting: Waiting): void
  onArrived?(name: string): void
}

export interface Runtime extends Instance {
  adminPort: number
  publicPort: number | undefined
  /** Where it listens for senders itself, whatever they call it. */
  listenUrl: string | undefined
  engines: Engines
  checks(): Promise<readonly Check[]>
  trigger: ApiDependencies['trigger']
  /** Drains what is under way and closes everything. Idempotent. */
  close(): Promise<void>
}

/**
 * One process: its two listeners, the engines, and the roles it was given. The listeners answer from the
 * beginning: health says what is missing, everything else is 503 until it can be done. A server that is
 * away is waited for; resolves once every part runs.
 */
export const startRuntime = async (options: RuntimeOptions): Promise<Runtime> => {
  const { settings, logger, signal } = options
  // Parsed before anything is opened: a broken file must not leave half a start behind.
  if (options.config) readConfig(options.config.text, options.config.file)
  await openDataFolder(settings.dataDir)
  const parts = createParts(logger)
  const callOff = (): void => void parts.close()
  signal?.addEventListener('abort', callOff, { once: true })
  if (signal?.aborted === true) callOff()
  try {
    return await assemble(options, parts)
  } catch (error) {
    // Parts that are closed under way fail in ways of their own.
    const calledOff = parts.signal.aborted
    await parts.close()
    throw calledOff ? new CalledOff() : error
  } finally {
    signal?.removeEventListener('abort', callOff)
  }
}

const assemble = async (options: RuntimeOptions, parts: Parts): Promise<Runtime> => {
  const { settings, logger } = options
  const metrics = createMetrics()
  metrics.buildInfo.set({ version: version(), node: process.version }, 1)
  const probes = createProbes([...settings.roles].filter((role) => role !== 'api'))
  const checks = createChecks(probes.all(), metrics)
  const bins = createBins()
  const instanceId = randomUUID()
  const token = await adminToken(settings.dataDir, settings.token)

  const admin = await openAdmin(parts, settings, {
    version: version(),
    instanceId,
    ...(isLoopback(settings.adminHost) ? { hosts: [...loopbackNames, settings.adminHost] } : {}),
    metrics,
    logger: logger.child({ part: 'api' }),
    checks,
    ...(settings.play ? { bins } : {}),
  })
  const lobby = settings.roles.has('ingress')
    ? await openPublic(parts, settings, probes, logger)
    : undefined

  const tracer = await openTracing(settings, logger)
  if (tracer !== undefined) await parts.opened(() => tracer.close())
  const engines = await openMeasured(settings, logger, metrics)
  await parts.opened(() => engines.close())
  const instance: Instance = {
    url: admin.url,
    publicUrl: settings.publicUrl ?? lobby?.url ?? '',
    instanceId,
    pid: process.pid,
    version: version(),
  }
  await parts.opened(await announce(settings.dataDir, instance))
  probes.set(engineProbes(engines))

  const patience = createPatience({
    signal: parts.signal,
    onWaiting: (waiting) => options.onWaiting?.(waiting),
    onArrived: (name) => options.onArrived?.(name),
  })
  const codec = await patience.until(`schemas (${engines.names.schemas})`, () =>
    openCodec(engines, settings),
  )
  const prepared = patience.until(`log (${engines.names.log})`, () => prepareLog(engines))
  prepared.catch(() => undefined)
  // Its topic is there before it is read; a log that is away is no reason to wait: the last snapshot is on disk.
  await Promise.race([prepared, sleep(orderMs, undefined, { signal: parts.signal, ref: false })])
  const registry = openRegistry(engines, codec, settings, metrics, logger)
  await parts.opened(() => registry.reader.close())
  probes.set(registryProbe(registry.reader))
  const configurer = createConfigurer(registry, options.standing ?? {})
  const topology = topologyOf(settings.chain, settings.roles, engines)
  const trigger: ApiDependencies['trigger'] = (wanted) =>
    triggerSample(
      {
        registry: registry.reader,
        secrets: registry.secrets,
        publicUrl: settings.publicUrl,
        target: lobby?.url,
        now: Date.now,
      },
      wanted,
    )
  if (engines.decisions !== undefined && settings.roles.has('api')) {
    const { decisions } = engines
    const replays = openReplays({
      ...{ engines, decisions, codec, registry, metrics },
      logger: logger.child({ part: 'replays' }),
    })
    await parts.opened(() => replays.close())
    admin.serve({
      token,
      log: engines.log,
      kv: engines.kv,
      codec,
      decisions,
      replays,
      registry: registry.reader,
      writer: registry.writer,
      logger: logger.child({ part: 'api' }),
      apply: configurer.apply,
      checkObject: configurer.checkObject,
      trigger,
      audit: auditOf({ engines, codec, settings }, engines.decisions),
      topology: () => shownTopology(topology, settings),
    })
  }

  const listeners = ownListenersOf(admin, lobby)
  await startFlow({
    context: {
      settings,
      engines,
      codec,
      registry,
      metrics,
      logger,
      tracer,
      quarantine: createQuarantine({
        ...{ kv: engines.kv, codec, metrics, holder: instanceId },
        context: { now: Date.now, hash },
        logger: logger.child({ part: 'quarantine' }),
      }),
      ownListeners: () => listeners,
    },
    bins,
    lobby,
    patience,
    prepared,
    parts,
    probes,
    configurer,
    config: options.config,
  })
  await parts.opened(sampleLag(engines.log, groupsOf(topology), metrics, logger))
  // First of all to close: what is asked of a process that ends is answered with 503.
  await parts.opened(async () => admin.serve(undefined))
  return {
    ...instance,
    adminPort: admin.port,
    publicPort: lobby?.port,
    listenUrl: lobby?.url,
    engines,
    checks,
    trigger,
    close: parts.close,
  }
}

/** How long a part waits for one that it can do without, ms. */
const orderMs = 1_000

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]']

const openMeasured = async (
  settings: Settings,
  logger: Logger,
  metrics: Metrics,
): Promise<Engines> => {
  const engines = await openEngines(settings, logger)
  return { ...engines, log: measured(engines.log, metrics) }
}

interface Admin {
  host: string
  port: number
  url: string
  /** From now on `/v1` answers by these; by 503 while there are none. */
  serve(v1: ApiDependencies | undefined): void
}

const openAdmin = async (
  parts: Parts,
  settings: Settings,
  dependencies: AdminDependencies,
): Promise<Admin> => {
  const without = createAdmin(dependencies, settings.roles.has('api') ? 'later' : 'never')
  let app = without
  const { adminHost, adminPort, adminPortAsked } = settings
  const server = await listenFrom(
    adminPort,
    adminPortAsked,
    (port) => serveAdmin((request, env) => app.fetch(request, env), adminHost, port),
    // The public listener opens after it, and takes no other port than the one that was asked for.
    settings.roles.has('ingress') && settings.portAsked ? settings.port : undefined,
  )
  await parts.opened(() => server.close())
  return {
    host: server.host,
    port: server.port,
    url: urlOf(adminHost, server.port),
    serve: (v1) => {
      app = v1 === undefined ? without : createAdmin(dependencies, v1)
    },
  }
}

const openPublic = async (
  parts: Parts,
  settings: Settings,
  probes: Probes,
  logger: Logger,
): Promise<Lobby> => {
  const checks = probes.forIngress()
  const part = logger.child({ part: 'ingress' })
  const lobby = await listenFrom(settings.port, settings.portAsked, (port) =>
    openLobby({ ...settings, port }, checks, part),
  )
  await parts.opened(() => lobby.close())
  return lobby
}
