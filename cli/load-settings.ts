import { resolve } from 'node:path'
import { loadSettings as readSettings, type Settings as Values } from '../core/config/env.ts'
import { nearest } from '../core/config/nearest.ts'
import { isZenhookError, ZenhookError } from '../core/errors/index.ts'
import { isLoopback, isWildcard } from '../core/net/address.ts'
import { parseGrant } from '../core/net/guard.ts'
import { tracingSettings } from '../core/telemetry/index.ts'
import { usage } from './output.ts'
import { isRole, type Role, roles } from './runtime/roles.ts'
import type { KafkaSasl, Settings } from './settings.ts'
import { version } from './version.ts'

/** Flags of `start` as the command line gives them. */
export interface Flags {
  config?: string
  dataDir?: string
  host?: string
  port?: string
  adminPort?: string
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
  const near = nearest(text, ['fused', 'split'])
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  throw usage(`There is no chain '${text}'${hint}`, 'Use fused or split')
}

const grantsOf = (texts: readonly string[] | undefined): readonly string[] => {
  const grants = (texts ?? []).flatMap((text) => text.split(',')).map((each) => each.trim())
  for (const grant of grants) {
    try {
      parseGrant(grant)
    } catch {
      throw usage(
        `--allow-private '${grant}' is not a range such as 10.0.0.0/8, or acme=10.0.0.0/8 for one tenant`,
      )
    }
  }
  return grants
}

const saslOf = (values: Values): KafkaSasl | undefined => {
  const mechanism = values.kafkaSaslMechanism.value
  if (mechanism === undefined) return undefined
  const username = values.kafkaSaslUsername.value
  const password = values.kafkaSaslPassword.value
  if (username === undefined || password === undefined) {
    throw new ZenhookError('ZENHOOK_CONFIG_BAD_ENV', {
      message: 'KAFKA_SASL_MECHANISM is set without KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
    })
  }
  return { mechanism, username, password }
}

const kafkaOf = (values: Values): Settings['kafka'] => {
  const brokers = values.kafkaBrokers.value
  if (brokers.length === 0) return undefined
  const sasl = saslOf(values)
  return {
    brokers,
    clientId: values.kafkaClientId.value,
    ssl: values.kafkaSsl.value,
    ...(sasl === undefined ? {} : { sasl }),
  }
}

const tracingOf = (values: Values, env: NodeJS.ProcessEnv): Settings['tracing'] => {
  const { value: serviceName, origin } = values.otelServiceName
  return tracingSettings(
    {
      endpoint: values.otelEndpoint.value,
      tracesEndpoint: values.otelTracesEndpoint.value,
      headers: values.otelHeaders.value,
      serviceName: origin === 'default' ? undefined : serviceName,
      resource: values.otelResource.value,
      disabled: values.otelDisabled.value,
      sampler: values.otelSampler.value,
      samplerArg: values.otelSamplerArg.value,
    },
    env,
    version(),
  )
}

/** A flag that is wrong is a fault of the command line; a variable is not. */
const read = (flags: Flags, env: NodeJS.ProcessEnv): ReturnType<typeof readSettings> => {
  try {
    return readSettings({
      env,
      flags: {
        port: flags.port,
        'admin-port': flags.adminPort,
        host: flags.host,
        'data-dir': flags.dataDir,
      },
    })
  } catch (error) {
    if (!isZenhookError(error) || !error.message.startsWith('--')) throw error
    throw usage(error.message, error.fix)
  }
}

/** Some providers sign the URL that they call, and an address such as 0.0.0.0 is in no such URL. */
const unknownUrl = ({ host, publicUrl, roles }: Settings): readonly string[] =>
  roles.has('ingress') && publicUrl === undefined && isWildcard(host)
    ? [
        `HOST is ${host} and PUBLIC_URL is not set: requests of providers that sign their URL, such as Twilio, are refused; set PUBLIC_URL to the URL that senders see`,
      ]
    : []

/** What flags and environment say together; throws for the first flag, or for all variables, that are wrong. */
export const loadSettings = (
  flags: Flags,
  env: NodeJS.ProcessEnv,
): { settings: Settings; warnings: readonly string[] } => {
  const { settings: values, warnings } = read(flags, env)
  const kafka = kafkaOf(values)
  const settings: Settings = {
    host: values.host.value,
    port: values.port.value,
    portAsked: values.port.origin !== 'default',
    adminHost: values.adminHost.value,
    adminPort: values.adminPort.value,
    adminPortAsked: values.adminPort.origin !== 'default',
    publicUrl: values.publicUrl.value,
    trustedProxies: values.trustedProxies.value,
    dataDir: resolve(values.dataDir.value),
    logLevel: values.logLevel.value,
    tracing: tracingOf(values, env),
    topicPrefix: values.kafkaTopicPrefix.value,
    kafka,
    schemaRegistryUrl: values.schemaRegistryUrl.value,
    redisUrl: values.redisUrl.value,
    clickhouseUrl: values.clickhouseUrl.value,
    secretsDir: values.secretsDir.value,
    tenantWeights: values.tenantWeights.value,
    audit: { intervalMs: values.auditInterval.value, graceMs: values.auditGrace.value },
    token: values.token.value,
    allowPrivate: grantsOf(flags.allowPrivate),
    roles: rolesOf(flags.roles),
    chain: chainOf(flags.chain),
    demo: flags.demo,
    play: values.play.value ?? isLoopback(values.adminHost.value),
    env,
  }
  return { settings, warnings: [...warnings, ...unknownUrl(settings)] }
}
