import { join } from 'node:path'
import { ZenhookError } from '../../core/errors/index.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import type { RegistryReader, Secrets } from '../../core/registry/port.ts'
import { createRegistryReader } from '../../core/registry/reader.ts'
import {
  createPlainSecrets,
  createSecrets,
  type PlainSecrets,
} from '../../core/registry/secrets.ts'
import { createRegistryWriter, type LogRegistryWriter } from '../../core/registry/writer.ts'
import type { Logger, Metrics } from '../../core/telemetry/index.ts'
import type { Engines } from '../engines.ts'
import type { Settings } from '../settings.ts'
import type { Role } from './roles.ts'

/** The configuration as this process sees, publishes and unlocks it. */
export interface RegistryParts {
  reader: RegistryReader
  writer: LogRegistryWriter
  secrets: Secrets
  plain: PlainSecrets
}

const rolesWithSecrets: readonly Role[] = ['ingress', 'connectors', 'api']

const noSecrets: Secrets = {
  resolve: (tenant) =>
    Promise.reject(
      new ZenhookError('ZENHOOK_REGISTRY_SECRET_FORBIDDEN', {
        message: 'This process has no role that uses secrets',
        details: { tenant },
      }),
    ),
}

export const openRegistry = (
  { log }: Engines,
  codec: Codec,
  settings: Settings,
  metrics: Metrics,
  logger: Logger,
): RegistryParts => {
  const reader = createRegistryReader({
    log,
    codec,
    logger: logger.child({ part: 'registry' }),
    snapshotFile: join(settings.dataDir, 'registry.json'),
  })
  reader.onChange(({ publishedAt }) => metrics.registryRevision.set(publishedAt / 1000))
  const plain = createPlainSecrets()
  const secrets = secretsOf(settings, plain)
  return { reader, writer: createRegistryWriter({ log, codec, logger }), secrets, plain }
}

/** What a process of these roles may unlock: nothing, where none of them proves or signs anything. */
export const secretsOf = (
  { roles, env, secretsDir }: Pick<Settings, 'roles' | 'env' | 'secretsDir'>,
  plain: PlainSecrets,
): Secrets =>
  rolesWithSecrets.some((role) => roles.has(role))
    ? createSecrets({
        env,
        plain,
        // Files are the operator's own until tenants author objects: then their grants stand here.
        grants: () => 'any',
        ...(secretsDir === undefined ? {} : { secretsDir }),
      })
    : noSecrets
