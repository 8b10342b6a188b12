import type { AuditFilter, AuditStep } from '../core/accounting/index.ts'
import type { Decisions } from '../core/decisions/port.ts'
import type { Codec } from '../core/event/codec/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { Log } from '../core/log/port.ts'
import type { AnyObject, Published, RegistryReader } from '../core/registry/port.ts'
import type { ObjectKind } from '../core/registry/types.ts'
import type { LogRegistryWriter } from '../core/registry/writer.ts'
import type { Replays } from '../core/replay/index.ts'
import type { Logger, Metrics } from '../core/telemetry/index.ts'
import type { ApiLimit } from './rate-limit.ts'

/** One thing that must work for the process to be ready. */
export interface Check {
  name: string
  ok: boolean
  detail: string
}

/** Where an object of the registry stands. */
export interface ObjectPlace {
  kind: ObjectKind
  tenant: string
  name: string
}

/** A configuration file held against the rules of every component. */
export interface Applied extends Published {
  warnings: readonly Fault[]
}

export interface Fault {
  file: string
  line: number
  column: number
  code: string
  message: string
}

export interface TriggerOptions {
  provider: string
  /** Type of the sample, or its beginning; the provider's first where absent. */
  event?: string
  /** The only source of that provider where absent, beside that of the demo. */
  source?: { tenant: string; source: string }
  /** What to get wrong on purpose. */
  flaw?: 'bad-signature' | 'stale'
  /** How often the same request is sent; once by default. */
  copies?: number
}

/** How the public listener answered a request. */
export interface TriggerAnswer {
  status: number
  /** Parsed where it is JSON, else text. */
  body: unknown
}

/** Where samples went, and how each was answered. */
export interface Triggered {
  tenant: string
  source: string
  answers: readonly TriggerAnswer[]
}

/** The built-in request bins, as the connectors keep them. */
export interface Bins {
  /** Makes an empty one, and gives its id. */
  create(): string
  /** `undefined` when there is no such bin. */
  put(
    bin: string,
    message: {
      method: string
      path: string
      headers: Readonly<Record<string, string>>
      body: Uint8Array
    },
    answer: { status?: number; delayMs?: number },
  ): { status: number; delayMs: number } | undefined
  requests(bin: string): readonly BinRequest[] | undefined
}

export interface BinRequest {
  number: number
  at: number
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  /** The start of the body where it was long. */
  body: Uint8Array
  /** Of the whole body, bytes. */
  size: number
}

/** One stage, connector group or sink as it runs. */
export interface TopologyNode {
  name: string
  role: string
  group: string
  from: readonly string[]
  to: readonly string[]
}

export interface Topology {
  chain: 'fused' | 'split'
  roles: readonly string[]
  engines: Readonly<Record<string, string>>
  nodes: readonly TopologyNode[]
}

/** What every admin listener has: health, metrics, version. */
export interface AdminDependencies {
  version: string
  instanceId: string
  /** On loopback: the names that the listener answers to; others are refused (DNS rebinding). */
  hosts?: readonly string[]
  metrics: Metrics
  logger: Logger
  checks(): Promise<readonly Check[]>
  bins?: Bins
}

/** All that `/v1` stands on; components come as arguments, so that it knows none of them. */
export interface ApiDependencies {
  token: string
  /** Requests per token and window; a generous one by default. */
  limit?: ApiLimit
  log: Log
  /** Where answers to idempotency keys are kept. */
  kv: Kv
  codec: Codec
  decisions: Decisions
  replays: Replays
  registry: RegistryReader
  writer: LogRegistryWriter
  logger: Logger
  /** Checks a configuration file and publishes it, or only says what would change. */
  apply(text: string, file: string, dryRun: boolean): Promise<Applied>
  /** The object if it may be published beside what is there; throws for what is wrong with it. */
  checkObject(place: ObjectPlace, spec: object, present: readonly AnyObject[]): AnyObject
  /** Sends a sample event as its provider would, and tells how each copy was answered. */
  trigger(options: TriggerOptions): Promise<Triggered>
  /** Accounts for the events of a range, until the signal ends it. */
  audit(filter: AuditFilter, signal: AbortSignal): AsyncIterable<AuditStep>
  topology(): Topology
}
