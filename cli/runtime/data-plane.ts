import { hash as sha } from 'node:crypto'
import { join } from 'node:path'
import { startDelivery } from '../../connectors/deliver.ts'
import type { Bins } from '../../connectors/index.ts'
import type { Decisions } from '../../core/decisions/port.ts'
import { startSink } from '../../core/decisions/sink.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import { createEgress, type Listener } from '../../core/net/index.ts'
import type { RegistryReader, Secrets } from '../../core/registry/port.ts'
import type { Quarantine } from '../../core/stage/quarantine.ts'
import { startChain } from '../../core/stage/runner.ts'
import { describeChain } from '../../core/stage/topology.ts'
import type { StageContext } from '../../core/stage/types.ts'
import type { Logger, Metrics, Tracer } from '../../core/telemetry/index.ts'
import type { HealthCheck } from '../../ingress/health.ts'
import { createIngress, createKeyFetcher, createVerifiers, openSpool } from '../../ingress/index.ts'
import { createVerifier } from '../../ingress/verifiers/index.ts'
import { createStages } from '../../processors/index.ts'
import type { Engines } from '../engines.ts'
import type { Settings } from '../settings.ts'
import { openAccounting, shareSpool } from './accounting.ts'
import type { Probe } from './health.ts'
import type { Lobby } from './listeners.ts'
import type { RegistryParts } from './registry.ts'

/** What a role is made from. */
export interface RoleContext {
  settings: Settings
  engines: Engines
  codec: Codec
  registry: RegistryParts
  metrics: Metrics
  logger: Logger
  /** Absent where no spans are wanted. */
  tracer: Tracer | undefined
  /** One for the whole process: a record that ends it is alone among all that it works on. */
  quarantine: Quarantine
  /** Addresses of this process, never to be called from inside. */
  ownListeners(): readonly Listener[]
}

/** A role as it runs. */
export interface RoleParts {
  probes: Readonly<Record<string, Probe>>
  close(): Promise<void>
}

export const hash = (data: string | Uint8Array): string => sha('sha256', data, 'hex')

/** What of it the edge asks for. */
export interface IngressContext
  extends Pick<RoleContext, 'codec' | 'metrics' | 'logger' | 'tracer'> {
  settings: Pick<Settings, 'dataDir' | 'publicUrl'>
  engines: Pick<Engines, 'log' | 'kv'>
  registry: { reader: Pick<RegistryReader, 'snapshot' | 'caughtUp'>; secrets: Secrets }
}

/** The trusted edge, in the place of the lobby. It connects out only to fetch verification keys. */
export const startIngress = async (
  { settings, engines, codec, registry, metrics, logger, tracer }: IngressContext,
  checks: Readonly<Record<string, HealthCheck>>,
  lobby: Pick<Lobby, 'url' | 'server'>,
): Promise<RoleParts> => {
  // Key sets of many tenants are longer than most answers.
  const egress = createEgress({ maxResponseBytes: 256 * 1024 })
  const fetchKey = createKeyFetcher(egress)
  const part = logger.child({ part: 'ingress' })
  const spool = await openSpool({ dir: join(settings.dataDir, 'spool'), logger: part })
  const publicUrl = settings.publicUrl ?? lobby.url
  const ingress = createIngress({
    registry: registry.reader,
    verifierFor: createVerifiers({
      secrets: registry.secrets,
      create: (source, secrets) => createVerifier({ ...source, secrets, fetchKey }),
      logger: part,
    }),
    codec,
    log: engines.log,
    kv: engines.kv,
    spool,
    metrics,
    logger: part,
    tracer,
    checks,
    server: lobby.server,
    publicUrl,
  })
  const unshare = shareSpool(engines.kv, spool, settings.dataDir, part)
  return {
    probes: { ingress: () => publicUrl },
    close: async () => {
      await ingress.close()
      // Only now is it known what stays in the spool until the next start.
      await unshare()
      await egress.close()
    },
  }
}

/** The stages: a clock, a hash, keyed state and the registry's snapshot, no secret and no way out. */
export const startProcessors = async ({
  settings,
  engines,
  codec,
  registry,
  metrics,
  logger,
  tracer,
  quarantine,
}: RoleContext): Promise<RoleParts> => {
  const firstStages = new Map(
    describeChain(settings.chain).links.map(({ group, stages: [first] }) => [group, first]),
  )
  const context: StageContext = {
    now: Date.now,
    hash,
    kv: engines.kv,
    registry: () => registry.reader.snapshot(),
  }
  const chain = await startChain({
    log: quarantine.over(engines.log, (group) => firstStages.get(group)),
    codec,
    stages: createStages(context),
    chain: settings.chain,
    context,
    metrics,
    logger: logger.child({ part: 'processors' }),
    tracer,
  })
  return {
    probes: {
      processors: () => {
        const { ok, detail } = chain.health()
        if (!ok) throw new Error(detail)
        return undefined
      },
    },
    close: () => chain.close(),
  }
}

export const startConnectors = async (context: RoleContext, bins: Bins): Promise<RoleParts> => {
  const { settings, engines, codec, registry, metrics, logger, tracer, ownListeners } = context
  const egress = createEgress({ grants: settings.allowPrivate, ownListeners })
  const part = logger.child({ part: 'connectors' })
  const publisher =
    settings.kafka === undefined
      ? undefined
      : (await import('../../core/log/kafka/index.ts')).createKafkaPublisher({
          ...settings.kafka,
          prefix: settings.topicPrefix,
          logger: part,
        })
  const watched = (group: string) => (group === 'connectors' ? 'deliver' : undefined)
  const delivery = await startDelivery({
    log: context.quarantine.over(engines.log, watched),
    codec,
    kv: engines.kv,
    registry: registry.reader,
    secrets: registry.secrets,
    egress,
    hash,
    metrics,
    logger: part,
    tracer,
    putInBin: bins.putInBin,
    weightOf: (tenant) => settings.tenantWeights.get(tenant) ?? 1,
    ...(publisher === undefined ? {} : { publish: publisher.publish }),
  })
  return {
    probes: { connectors: () => undefined },
    close: async () => {
      await delivery.close()
      await publisher?.close()
      await egress.close()
    },
  }
}

/** The tables, and the proof by them that nothing was lost. */
export const startSinkRole = async (
  context: RoleContext,
  decisions: Decisions,
): Promise<RoleParts> => {
  const { engines, codec, metrics, logger } = context
  const sink = await startSink({
    log: engines.log,
    codec,
    decisions,
    metrics,
    logger: logger.child({ part: 'sink' }),
    now: Date.now,
  })
  const accounting = openAccounting(context, decisions)
  return {
    probes: {
      sink: () => {
        const trouble = sink.trouble()
        if (trouble !== undefined) throw trouble
        return undefined
      },
    },
    close: async () => {
      await accounting.close()
      await sink.close()
    },
  }
}
