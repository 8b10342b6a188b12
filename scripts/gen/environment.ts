import type { Command } from 'commander'
import { program } from '../../cli/program.ts'
import { type SettingName, settingForms } from '../../core/config/env.ts'
import { heading, markdownTable } from './page.ts'

const meanings: Readonly<Record<SettingName, string>> = {
  port: 'Port of the public listener; a busy default gives way to the next free one, 0 takes any',
  host: 'Address of the public listener; `0.0.0.0` opens it to other machines',
  adminPort: 'Port of the admin listener',
  adminHost: 'Address of the admin listener',
  play: 'Whether the request bins answer at `/play` on the admin listener; by default where it is on loopback',
  publicUrl:
    'The public listener as senders see it, by default its own address; some providers sign it',
  trustedProxies: 'Addresses and CIDRs, with commas between, whose X-Forwarded-For is believed',
  dataDir: 'Data folder; the spool in it wants a volume that survives the process',
  logLevel: '`debug`, `info`, `warn`, `error` or `silent`',
  kafkaBrokers: 'Apache Kafka as the log: `host:port`, several with commas between',
  kafkaClientId: 'Name of this client at the brokers',
  kafkaSsl: 'TLS to the brokers; NODE_EXTRA_CA_CERTS names an authority of your own',
  kafkaSaslMechanism: '`plain`, `scram-sha-256` or `scram-sha-512`',
  kafkaSaslUsername: 'User at the brokers',
  kafkaSaslPassword: 'Its password',
  kafkaTopicPrefix: 'Prefix of topics, groups, subjects and keys',
  schemaRegistryUrl:
    'Confluent-compatible schema registry, a user and password in it where it wants one',
  redisUrl: 'Redis as the state store',
  clickhouseUrl: 'ClickHouse server for the decisions; its database must exist',
  databaseUrl: 'Reserved: nothing uses it yet',
  auditInterval: 'How often all accepted events are accounted for, in the role `sink`',
  auditGrace:
    'How old an event must be, and how late an attempt, before it can count as unaccounted for',
  tenantWeights:
    'Shares of tenants where they compete for places of deliveries, `name=weight` with commas between; 1 by default',
  secretsDir: 'Folder below which each tenant may name its own secret files',
  kubeconfig: 'Reserved: nothing uses it yet',
  otelEndpoint:
    'OTLP/HTTP collector, for instance `http://127.0.0.1:4318`: spans are exported to `/v1/traces` below it, and nothing of it is loaded without',
  otelTracesEndpoint:
    'The collector for traces alone, with the whole path; stands above the endpoint before it',
  otelHeaders: 'Headers for the collector, `name=value` with commas between',
  otelServiceName: 'Name of this service in traces',
  otelResource: 'More attributes of the resource, `name=value` with commas between',
  otelDisabled: '`true` exports no spans',
  otelSampler:
    '`parentbased_always_on` (default), `parentbased_always_off`, `parentbased_traceidratio`, `always_on`, `always_off` or `traceidratio`',
  otelSamplerArg: 'Share of traces that a ratio keeps, 0 to 1',
  token: 'Token of the admin listener, instead of the file `admin-token` of the data folder',
  noColor: 'Set to anything: no colours',
}

const flagsOf = (command: Command): readonly string[] => [
  ...command.options.map(({ long }) => long ?? ''),
  ...command.commands.flatMap(flagsOf),
]

const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

/** Every variable of the environment, from the definitions that read it. */
export const environmentPage = (): string => {
  const flags = new Set(flagsOf(program()))
  return `${heading('Environment', 'Flag before environment before file before default. `zenhook config env` prints each value with its origin.')}
${markdownTable(
  ['variable', 'flag', 'default', 'meaning'],
  settingForms().map(({ name, env, flag, fallback, secret }) => [
    secret ? `${code(env)}, ${code(`${env}_FILE`)}` : code(env),
    code(flag !== undefined && flags.has(`--${flag}`) ? `--${flag}` : ''),
    code(fallback),
    meanings[name],
  ]),
)}
A variable with \`_FILE\` names a file that holds the value. A variable with the prefix \`ZENHOOK_\` that is not
known is warned about, with the nearest name.

Of the other variables of OpenTelemetry these are heeded: \`OTEL_EXPORTER_OTLP_TIMEOUT\`,
\`OTEL_EXPORTER_OTLP_COMPRESSION\` and the certificates of \`OTEL_EXPORTER_OTLP_…\`, \`OTEL_TRACES_EXPORTER=none\`,
and \`OTEL_BSP_…\`.
`
}
