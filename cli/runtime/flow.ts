import { setTimeout as sleep } from 'node:timers/promises'
import type { Bins } from '../../connectors/index.ts'
import type { Configurer } from './configure.ts'
import {
  type RoleContext,
  type RoleParts,
  startConnectors,
  startIngress,
  startProcessors,
  startSinkRole,
} from './data-plane.ts'
import type { Lobby } from './listeners.ts'
import type { Parts } from './parts.ts'
import type { Patience } from './patience.ts'
import type { Probes } from './probes.ts'

export interface ConfigFile {
  file: string
  text: string
}

export interface FlowOptions {
  context: RoleContext
  bins: Bins
  lobby: Lobby | undefined
  patience: Patience
  /** Resolves once the log has its topics. */
  prepared: Promise<void>
  parts: Parts
  probes: Probes
  configurer: Configurer
  config: ConfigFile | undefined
}

/** How long the ingress waits for what comes after it, ms. */
const orderMs = 3_000

/**
 * Starts the roles, each as soon as what it needs is there. In the usual case nothing comes in before it
 * can go out. While a server is away the ingress does not wait for it longer than a moment: with a known
 * configuration it verifies and keeps events, in the log or in the spool.
 */
export const startFlow = async (options: FlowOptions): Promise<void> => {
  const { context, bins, lobby, patience, prepared, parts, probes, configurer, config } = options
  const { engines, settings, registry } = context
  const { names, decisions } = engines
  const { roles } = settings

  const run = async (start: Promise<RoleParts>): Promise<void> => {
    const part = await start
    await parts.opened(() => part.close())
    probes.set(part.probes)
  }
  const configured = prepared.then(() =>
    patience.until(`log (${names.log})`, () => configurer.begin(config)),
  )

  const sink = async (): Promise<void> => {
    if (decisions === undefined || !roles.has('sink')) return
    await Promise.all([
      configured,
      patience.until(`decisions (${names.decisions})`, () => decisions.ensureTables()),
    ])
    await run(startSinkRole(context, decisions))
  }
  const deliver = async (): Promise<void> => {
    await Promise.all([
      configured,
      patience.until(`state (${names.state})`, () => engines.kv.ping()),
    ])
    await registry.reader.ready()
    if (roles.has('connectors')) await run(startConnectors(context, bins))
    if (roles.has('processors')) await run(startProcessors(context))
  }
  const behind = Promise.all([sink(), deliver()])
  const ingress = async (): Promise<void> => {
    if (lobby === undefined) return
    const inOrder = sleep(orderMs, undefined, { signal: parts.signal, ref: false })
    await Promise.race([behind, inOrder])
    await registry.reader.ready()
    await run(startIngress(context, probes.forIngress(), lobby))
  }
  await Promise.all([behind, ingress()])
}
