import { join } from 'node:path'
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

/** The configuration as this process sees, publishes and unlocks it. */
export interface RegistryParts {
  reader: RegistryReader
  writer: LogRegistryWriter
  secrets: Secrets
  plain: PlainSecrets
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
  const secrets = createSecrets({
    env: settings.env,
    plain,
    // Files are the operator's own until tenants author objects: then their grants stand here.
    grants: () => 'any',
    ...(settings.secretsDir === undefined ? {} : { secretsDir: settings.secretsDir }),
  })
  return { reader, writer: createRegistryWriter({ log, codec, logger }), secrets, plain }
}
