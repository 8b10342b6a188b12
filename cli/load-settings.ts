import { resolve } from 'node:path'
import { nearest } from '../core/config/nearest.ts'
import { defaultDataDir } from './context.ts'
import { usage } from './output.ts'
import { isRole, type Role, roles } from './runtime/roles.ts'
import type { Settings } from './settings.ts'

/** Flags of `start` as the command line gives them. */
export interface Flags {
  config?: string
  dataDir?: string
  host?: string
  port?: number
  adminPort?: number
  roles?: string
  chain?: string
  demo: boolean
  allowPrivate?: readonly string[]
}

const rolesOf = (text: string | undefined): ReadonlySet<Role> => {
  if (text === undefined || text === 'all') return new Set(roles)
  const wanted = text.split(',').map((each) => each.trim())
  return new Set(
    wanted.map((name): Role => {
      if (isRole(name)) return name
      const near = nearest(name, roles)
      throw usage(
        `There is no role '${name}'${near === undefined ? '' : `; did you mean ${near}?`}`,
        `Use all, or a list of ${roles.join(', ')}`,
      )
    }),
  )
}

const chainOf = (text: string | undefined): Settings['chain'] => {
  if (text === undefined || text === 'fused') return 'fused'
  if (text === 'split') return 'split'
  throw usage(`There is no chain '${text}'`, 'Use fused or split')
}

export const loadSettings = async (
  flags: Flags,
  env: NodeJS.ProcessEnv,
): Promise<{ settings: Settings; warnings: readonly string[] }> => {
  const settings: Settings = {
    host: flags.host ?? env.HOST ?? '127.0.0.1',
    port: flags.port ?? Number(env.PORT ?? 8080),
    portAsked: flags.port !== undefined || env.PORT !== undefined,
    adminHost: '127.0.0.1',
    adminPort: flags.adminPort ?? Number(env.ADMIN_PORT ?? 8081),
    adminPortAsked: flags.adminPort !== undefined || env.ADMIN_PORT !== undefined,
    dataDir: resolve(flags.dataDir ?? env.DATA_DIR ?? defaultDataDir),
    logLevel: env.LOG_LEVEL ?? 'warn',
    topicPrefix: env.KAFKA_TOPIC_PREFIX ?? 'zenhook',
    allowPrivate: flags.allowPrivate ?? [],
    roles: rolesOf(flags.roles),
    chain: chainOf(flags.chain),
    demo: flags.demo,
    play: true,
    env,
    ...(env.KAFKA_BROKERS && {
      kafka: { brokers: env.KAFKA_BROKERS.split(','), clientId: 'zenhook' },
    }),
    ...(env.REDIS_URL && { redisUrl: env.REDIS_URL }),
    ...(env.SCHEMA_REGISTRY_URL && { schemaRegistryUrl: env.SCHEMA_REGISTRY_URL }),
    ...(env.CLICKHOUSE_URL && { clickhouseUrl: env.CLICKHOUSE_URL }),
  }
  return { settings, warnings: [] }
}
