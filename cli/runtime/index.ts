import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { createAdmin } from '../../api/app.ts'
import type { Check } from '../../api/types.ts'
import { createBins } from '../../connectors/index.ts'
import { messageOf } from '../../core/errors/index.ts'
import { createMetrics, type Logger } from '../../core/telemetry/index.ts'
import type { Instance } from '../client.ts'
import { type Engines, openEngines, prepareEngines } from '../engines.ts'
import type { Settings } from '../settings.ts'
import { version } from '../version.ts'
import { adminToken, announce, listenFrom, serveAdmin } from './admin.ts'
import { createConfigurer, readConfig } from './configure.ts'
import {
  type RoleContext,
  type RoleParts,
  startConnectors,
  startIngress,
  startProcessors,
  startSinkRole,
} from './data-plane.ts'
import { createChecks, type Probe } from './health.ts'
import { sampleLag } from './lag.ts'
import { openRegistry, type RegistryParts } from './registry.ts'
import { signSample } from './sign.ts'
import { groupsOf, topologyOf } from './topology.ts'

export interface RuntimeOptions {
  settings: Settings
  logger: Logger
  /** Configuration to publish at the start. */
  config?: { file: string; text: string }
  /** Configuration that stands beside every file that is applied: the demo's. */
  always?: { file: string; text: string }
}

export interface Runtime extends Instance {
  engines: Engines
  registry: RegistryParts
  checks(): Promise<readonly Check[]>
  sign(options: Parameters<typeof signSample>[1]): ReturnType<typeof signSample>
  /** Drains what is under way and closes everything. Idempotent. */
  close(): Promise<void>
}

/** One process: the engines, the roles it was given, and its two listeners. */
export const startRuntime = async (options: RuntimeOptions): Promise<Runtime> => {
  const { settings, logger } = options
  // Parsed before anything is opened: a broken file must not leave half a start behind.
  const always = options.always && readConfig(options.always.text, options.always.file)
  if (options.config) readConfig(options.config.text, options.config.file)
  await mkdir(settings.dataDir, { recursive: true, mode: 0o700 })

  const closers: (() => Promise<unknown>)[] = []
  const closeAll = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) {
      await closer().catch((error: unknown) =>
        logger.error({ error: messageOf(error) }, 'a part of the process did not close cleanly'),
      )
    }
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= closeAll()
    return closing
  }

  const assemble = async (): Promise<Runtime> => {
    const metrics = createMetrics()
    metrics.buildInfo.set({ version: version(), node: process.version }, 1)
    const engines = await openEngines(settings, logger)
    closers.push(() => engines.close())
    await prepareEngines(engines)

    const registry = openRegistry(engines, settings, metrics, logger)
    closers.push(() => registry.reader.close())
    const configurer = createConfigurer(registry, always?.objects ?? [])
    if (options.config) {
      await configurer.apply(options.config.text, options.config.file, false)
    } else {
      await registry.writer.publish({ put: registry.plain.intern(always?.objects ?? []) })
    }
    await registry.reader.ready()

    const bins = createBins()
    const topology = topologyOf(settings.chain, settings.roles, engines)
    const listeners: { host: string; port: number }[] = []
    const context: RoleContext = {
      settings,
      engines,
      registry,
      metrics,
      logger,
      ownListeners: () => listeners,
    }
    const probes: Record<string, Probe> = {
      log: async () => {
        await engines.log.ping()
        return engines.names.log
      },
      state: async () => {
        await engines.kv.ping()
        return engines.names.state
      },
      schemas: async () => {
        await engines.schemas.ping()
        return engines.names.schemas
      },
      registry: () => `revision ${registry.reader.snapshot().revision}`,
    }
    const checks = createChecks(probes, metrics)
    const run = async <P extends RoleParts>(start: Promise<P>): Promise<P> => {
      const part = await start
      closers.push(() => part.close())
      Object.assign(probes, part.probes)
      return part
    }
    // In the order of the flow's end to its beginning: nothing comes in before it can go out.
    if (settings.roles.has('sink')) await run(startSinkRole(context))
    if (settings.roles.has('connectors')) await run(startConnectors(context, bins))
    if (settings.roles.has('processors')) await run(startProcessors(context))

    const instanceId = randomUUID()
    let publicUrl = settings.publicUrl ?? ''
    const sign: Runtime['sign'] = (wanted) =>
      signSample(
        {
          registry: registry.reader,
          secrets: registry.secrets,
          publicUrl: () => publicUrl,
          now: Date.now,
        },
        wanted,
      )
    const token = await adminToken(settings.dataDir, settings.token)
    const app = createAdmin(
      {
        version: version(),
        instanceId,
        hosts: ['127.0.0.1', 'localhost', '[::1]', settings.adminHost.toLowerCase()],
        metrics,
        logger: logger.child({ part: 'api' }),
        checks,
        ...(settings.play ? { bins } : {}),
      },
      settings.roles.has('api')
        ? {
            token,
            log: engines.log,
            codec: engines.codec,
            decisions: engines.decisions,
            registry: registry.reader,
            writer: registry.writer,
            logger: logger.child({ part: 'api' }),
            apply: configurer.apply,
            checkObject: configurer.checkObject,
            sign,
            topology: () => topology,
          }
        : undefined,
    )
    const admin = await listenFrom(settings.adminPort, settings.adminPortAsked, (port) =>
      serveAdmin(app.fetch, settings.adminHost, port),
    )
    closers.push(() => admin.close())
    listeners.push({ host: settings.adminHost, port: admin.port })
    const url = `http://${settings.adminHost}:${admin.port}`

    if (settings.roles.has('ingress')) {
      const each = Object.keys(probes).map((name): [string, () => Promise<void>] => [
        name,
        async () => {
          await probes[name]?.()
        },
      ])
      const ingress = await run(startIngress(context, Object.fromEntries(each)))
      listeners.push({ host: ingress.host, port: ingress.port })
      publicUrl = ingress.url
    }
    closers.push(sampleLag(engines.log, groupsOf(topology), metrics, logger))
    const instance = { url, publicUrl, instanceId, pid: process.pid, version: version() }
    closers.push(await announce(settings.dataDir, instance))
    return { ...instance, engines, registry, checks, sign, close }
  }

  try {
    return await assemble()
  } catch (error) {
    await close()
    throw error
  }
}
