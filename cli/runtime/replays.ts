import { randomBytes, hash as sha } from 'node:crypto'
import { knownDispatches } from '../../connectors/delivery/known.ts'
import type { Decisions } from '../../core/decisions/port.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import type { Hash } from '../../core/event/index.ts'
import { createReplays, type Replays } from '../../core/replay/index.ts'
import type { Logger, Metrics } from '../../core/telemetry/index.ts'
import { createStages } from '../../processors/index.ts'
import type { Engines } from '../engines.ts'
import type { RegistryParts } from './registry.ts'

export interface ReplayParts {
  engines: Engines
  decisions: Decisions
  codec: Codec
  registry: RegistryParts
  metrics: Metrics
  logger: Logger
}

const hash: Hash = (data) => sha('sha256', data, 'hex')

/** Replays run where the tables are read: in the processes with the role `api`, in one of them at a time. */
export const openReplays = (parts: ReplayParts): Replays => {
  const { engines, decisions, codec, metrics, logger } = parts
  const { log, kv } = engines
  const { reader } = parts.registry
  const registry = () => reader.snapshot()
  const now = Date.now
  return createReplays({
    // An event must not be decided by a configuration that was not read yet.
    ready: () => reader.ready(),
    context: {
      ...{ log, kv, codec, decisions, registry, hash, now, metrics, logger },
      stagesOver: (claims) => createStages({ now, hash, kv: { ...kv, ...claims }, registry }),
      known: knownDispatches(kv),
      random: (digits) =>
        randomBytes(Math.ceil(digits / 2))
          .toString('hex')
          .slice(0, digits),
    },
  })
}
