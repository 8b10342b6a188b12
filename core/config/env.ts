import { readFileSync } from 'node:fs'
import { systemCodeOf, ZenhookError } from '../errors/index.ts'
import { type Environment, type Origin, type Parse, parsers as p } from './env-values.ts'
import { nearest } from './nearest.ts'

export type { Environment, Origin } from './env-values.ts'

interface Definition<T> {
  env: string
  /** Name of the option on the command line, without dashes. */
  flag?: string
  parse: Parse<T>
  fallback: T
  /** Never printed; may also come from the file that `<env>_FILE` names. */
  secret?: boolean
  /** What is left of a value when it is printed. */
  show?: (value: T) => string
}

/** One setting with where its value came from. */
export interface Setting<T> {
  readonly value: T
  readonly origin: Origin
  /** Exactly what gave it: `--port`, `PORT`, `KAFKA_SASL_PASSWORD_FILE`; empty for a default. */
  readonly from: string
}

const define = <T>(definition: Definition<T>): Definition<T> => definition
const optional = <T>(
  definition: Omit<Definition<T | undefined>, 'fallback'>,
): Definition<T | undefined> => ({ ...definition, fallback: undefined })

/** A URL without the password in it. */
const withoutPassword = (value: string | undefined): string => {
  if (value === undefined) return ''
  try {
    const url = new URL(value)
    if (url.password !== '') url.password = '***'
    return url.href
  } catch {
    return '***'
  }
}

const shownDuration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`)

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const
const httpUrl = p.url('http:', 'https:')

const definitions = {
  port: define({ env: 'PORT', flag: 'port', parse: p.port, fallback: 8080 }),
  host: define({ env: 'HOST', flag: 'host', parse: p.text, fallback: '127.0.0.1' }),
  adminPort: define({ env: 'ADMIN_PORT', flag: 'admin-port', parse: p.port, fallback: 8081 }),
  adminHost: define({ env: 'ADMIN_HOST', parse: p.text, fallback: '127.0.0.1' }),
  play: optional({ env: 'PLAY', parse: p.flag }),
  publicUrl: optional({ env: 'PUBLIC_URL', parse: p.baseUrl, show: withoutPassword }),
  trustedProxies: define({ env: 'TRUSTED_PROXIES', parse: p.ranges, fallback: [] }),
  dataDir: define({ env: 'DATA_DIR', flag: 'data-dir', parse: p.text, fallback: '.zenhook' }),
  logLevel: define({ env: 'LOG_LEVEL', parse: p.oneOf(...logLevels), fallback: 'warn' }),
  kafkaBrokers: define({ env: 'KAFKA_BROKERS', parse: p.brokers, fallback: [] }),
  kafkaClientId: define({ env: 'KAFKA_CLIENT_ID', parse: p.text, fallback: 'zenhook' }),
  kafkaSsl: define({ env: 'KAFKA_SSL', parse: p.flag, fallback: false }),
  kafkaSaslMechanism: optional({ env: 'KAFKA_SASL_MECHANISM', parse: p.oneOf(...mechanisms) }),
  kafkaSaslUsername: optional({ env: 'KAFKA_SASL_USERNAME', parse: p.text, secret: true }),
  kafkaSaslPassword: optional({ env: 'KAFKA_SASL_PASSWORD', parse: p.text, secret: true }),
  kafkaTopicPrefix: define({
    env: 'KAFKA_TOPIC_PREFIX',
    parse: p.topicPrefix,
    fallback: 'zenhook',
  }),
  schemaRegistryUrl: optional({
    env: 'SCHEMA_REGISTRY_URL',
    parse: httpUrl,
    secret: true,
    show: withoutPassword,
  }),
  redisUrl: optional({
    env: 'REDIS_URL',
    parse: p.url('redis:', 'rediss:'),
    secret: true,
    show: withoutPassword,
  }),
  clickhouseUrl: optional({
    env: 'CLICKHOUSE_URL',
    parse: httpUrl,
    secret: true,
    show: withoutPassword,
  }),
  databaseUrl: optional({
    env: 'DATABASE_URL',
    parse: p.url('postgres:', 'postgresql:'),
    secret: true,
    show: withoutPassword,
  }),
  auditInterval: define({
    env: 'AUDIT_INTERVAL',
    parse: p.duration,
    fallback: 30_000,
    show: shownDuration,
  }),
  auditGrace: define({
    env: 'AUDIT_GRACE',
    parse: p.duration,
    fallback: 60_000,
    show: shownDuration,
  }),
  tenantWeights: define<ReadonlyMap<string, number>>({
    env: 'TENANT_WEIGHTS',
    parse: p.weights,
    fallback: new Map(),
    show: (weights) => [...weights].map(([name, weight]) => `${name}=${weight}`).join(','),
  }),
  secretsDir: optional({ env: 'SECRETS_DIR', parse: p.text }),
  kubeconfig: optional({ env: 'KUBECONFIG', parse: p.text }),
  otelEndpoint: optional({
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    parse: httpUrl,
    show: withoutPassword,
  }),
  otelTracesEndpoint: optional({
    env: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    parse: httpUrl,
    show: withoutPassword,
  }),
  otelHeaders: optional({ env: 'OTEL_EXPORTER_OTLP_HEADERS', parse: p.pairs, secret: true }),
  otelServiceName: define({ env: 'OTEL_SERVICE_NAME', parse: p.text, fallback: 'zenhook' }),
  otelResource: optional({ env: 'OTEL_RESOURCE_ATTRIBUTES', parse: p.pairs }),
  otelDisabled: define({ env: 'OTEL_SDK_DISABLED', parse: p.onlyTrue, fallback: false }),
  otelSampler: optional({ env: 'OTEL_TRACES_SAMPLER', parse: p.text }),
  otelSamplerArg: optional({ env: 'OTEL_TRACES_SAMPLER_ARG', parse: p.text }),
  token: optional({ env: 'ZENHOOK_TOKEN', flag: 'token', parse: p.text, secret: true }),
  noColor: define({ env: 'NO_COLOR', flag: 'no-color', parse: p.present, fallback: false }),
} as const satisfies Record<string, Definition<never> | Definition<unknown> | object>

type Definitions = typeof definitions
export type SettingName = keyof Definitions
type ValueOf<D> = D extends Definition<infer T> ? T : never

/** Everything that the environment and the command line settle, typed, each with its origin. */
export type Settings = { readonly [K in SettingName]: Setting<ValueOf<Definitions[K]>> }

/** Variables with our prefix that are read elsewhere: tests and the launcher. */
const otherOwn = ['ZENHOOK_TEST_SERVERS', 'ZENHOOK_SERVERS_DIR', 'ZENHOOK_USE_DIST']
const prefix = 'ZENHOOK_'

export interface SettingsSources {
  env: Environment
  /** Options of the command line by their names, for instance `{ port: '9000' }`. */
  flags?: Readonly<Record<string, string | undefined>>
  /** Reads the file of a `NAME_FILE` variable. */
  readFile?: (path: string) => string
}

export interface LoadedSettings {
  settings: Settings
  /** Unknown `ZENHOOK_` variables, with the nearest known name. */
  warnings: readonly string[]
}

interface Fault {
  name: string
  message: string
}

const quoted = (value: string): string =>
  `'${value.length > 60 ? `${value.slice(0, 60)}…` : value}'`

const readSetting = <T>(
  definition: Definition<T>,
  sources: SettingsSources,
  faults: Fault[],
): Setting<T> => {
  const { env, flag, parse, fallback, show, secret = false } = definition
  const hidden = secret || show === withoutPassword
  const use = (text: string, origin: Origin, from: string): Setting<T> => {
    const parsed = parse(text)
    if ('value' in parsed) return { value: parsed.value, origin, from }
    const shown = hidden ? 'set (its value is not shown)' : quoted(text)
    faults.push({ name: from, message: `${from} is ${shown}, expected ${parsed.expected}` })
    return { value: fallback, origin, from }
  }
  const fromFlag = flag === undefined ? undefined : sources.flags?.[flag]
  if (fromFlag !== undefined) return use(fromFlag, 'flag', `--${flag}`)
  const fromEnv = sources.env[env]
  if (fromEnv !== undefined && fromEnv !== '') return use(fromEnv, 'environment', env)
  const name = `${env}_FILE`
  const path = secret ? sources.env[name] : undefined
  if (path === undefined || path === '') return { value: fallback, origin: 'default', from: '' }
  const read = sources.readFile ?? ((file: string) => readFileSync(file, 'utf8'))
  try {
    return use(read(path).replace(/\r?\n$/, ''), 'file', name)
  } catch (error) {
    const code = systemCodeOf(error)
    const why = code === '' ? '' : ` (${code})`
    faults.push({ name, message: `${name} is ${quoted(path)}, which cannot be read${why}` })
    return { value: fallback, origin: 'file', from: name }
  }
}

const ownNames: readonly string[] = [
  ...otherOwn,
  ...Object.values(definitions).flatMap((definition) =>
    !definition.env.startsWith(prefix)
      ? []
      : 'secret' in definition
        ? [definition.env, `${definition.env}_FILE`]
        : [definition.env],
  ),
]

const unknownVariables = (env: Environment): readonly string[] =>
  Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !ownNames.includes(name))
    .sort()
    .map((name) => {
      const meant = nearest(name, ownNames)
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`
      return `${name} is not a variable of Zenhook${hint}`
    })

/**
 * Reads the settings: flag > environment > file (`NAME_FILE`, secrets only) > default. Throws one
 * ZENHOOK_CONFIG_BAD_ENV that names every bad variable, in `details.faults` and in its message.
 */
export const loadSettings = (sources: SettingsSources): LoadedSettings => {
  const faults: Fault[] = []
  const entries = Object.entries(definitions).map(([name, definition]) => [
    name,
    readSetting(definition as Definition<unknown>, sources, faults),
  ])
  if (faults.length > 0) {
    throw new ZenhookError('ZENHOOK_CONFIG_BAD_ENV', {
      message: faults.map(({ message }) => message).join('; '),
      fix: `Correct ${faults.map(({ name }) => name).join(', ')}, or leave it out for its default`,
      details: { faults },
    })
  }
  return {
    settings: Object.fromEntries(entries) as Settings,
    warnings: unknownVariables(sources.env),
  }
}

const textOf = (value: unknown): string => String(value ?? '')

export interface SettingForm {
  name: SettingName
  env: string
  /** Without dashes. */
  flag: string | undefined
  /** Empty where there is none. */
  fallback: string
  secret: boolean
}

/** Every setting there is, for the reference. */
export const settingForms = (): readonly SettingForm[] =>
  Object.entries(definitions).map(([name, each]) => {
    const { env, flag, fallback, secret = false, show = textOf } = each as Definition<unknown>
    return { name: name as SettingName, env, flag, fallback: show(fallback), secret }
  })

export interface ShownSetting {
  name: string
  env: string
  /** Secrets masked, passwords in URLs too; empty when there is none. */
  value: string
  origin: Origin
  from: string
}

/** The settings as they may be printed. */
export const showSettings = (settings: Settings): readonly ShownSetting[] =>
  Object.entries(definitions).map(([name, each]) => {
    const definition = each as Definition<unknown>
    const { value, origin, from } = settings[name as SettingName]
    const shown = (): string => {
      if (value === undefined) return ''
      if (definition.show !== undefined) return definition.show(value)
      if (definition.secret === true) return '***'
      return typeof value === 'object' && !Array.isArray(value)
        ? JSON.stringify(value)
        : String(value)
    }
    return { name, env: definition.env, value: shown(), origin, from }
  })
