import type { ChainMode } from '../core/stage/topology.ts'
import type { TracingSettings } from '../core/telemetry/index.ts'
import type { Role } from './runtime/roles.ts'

/** Everything that flags and environment say of one process, checked. */
export interface Settings {
  host: string
  port: number
  /** Whether somebody asked for that port: then no other is taken. */
  portAsked: boolean
  adminHost: string
  adminPort: number
  adminPortAsked: boolean
  publicUrl: string | undefined
  /** Addresses and CIDRs whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[]
  /** Absolute. */
  dataDir: string
  logLevel: string
  /** Where spans are exported to, and how; nowhere by default. */
  tracing: TracingSettings | undefined
  /** Of topics, groups, keys in Redis. */
  topicPrefix: string
  kafka:
    | { brokers: readonly string[]; clientId: string; ssl: boolean; sasl?: KafkaSasl }
    | undefined
  schemaRegistryUrl: string | undefined
  redisUrl: string | undefined
  clickhouseUrl: string | undefined
  secretsDir: string | undefined
  /** Shares of tenants in the places of deliveries; 1 for those that are not named. */
  tenantWeights: ReadonlyMap<string, number>
  /** How often all events are accounted for, and how old one must be, ms. */
  audit: { intervalMs: number; graceMs: number }
  /** Token of the admin listener; made and kept in the data folder by default. */
  token: string | undefined
  /** Private ranges that destinations may be granted. */
  allowPrivate: readonly string[]
  roles: ReadonlySet<Role>
  chain: ChainMode
  demo: boolean
  /** Whether the request bins answer on the admin listener. */
  play: boolean
  /** What secret references read. */
  env: Readonly<Record<string, string | undefined>>
}

export type KafkaSasl =
  | { mechanism: 'plain'; username: string; password: string }
  | { mechanism: 'scram-sha-256'; username: string; password: string }
  | { mechanism: 'scram-sha-512'; username: string; password: string }
