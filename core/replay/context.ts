import type { Decisions } from '../decisions/port.ts'
import type { Codec } from '../event/codec/index.ts'
import type { Hash } from '../event/index.ts'
import type { Kv } from '../kv/port.ts'
import type { Log } from '../log/port.ts'
import type { Snapshot } from '../registry/types.ts'
import type { StageMetrics } from '../stage/tally.ts'
import type { Stage } from '../stage/types.ts'
import type { Logger } from '../telemetry/index.ts'
import type { KnownDispatches } from './types.ts'

/** All that a replay stands on. Stages come as arguments: it knows none of them. */
export interface ReplayContext {
  log: Log
  codec: Codec
  kv: Kv
  decisions: Decisions
  registry(): Snapshot
  /** The chain's stages over keyed state of which they use claims alone. */
  stagesOver(kv: Pick<Kv, 'claim'>): readonly Stage[]
  /** What the connectors know about a dispatch. */
  known: KnownDispatches
  hash: Hash
  now(): number
  /** So many random hex digits. */
  random(digits: number): string
  metrics: StageMetrics | undefined
  logger: Logger
}
