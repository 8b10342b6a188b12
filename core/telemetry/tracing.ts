import type { Logger } from './logger.ts'
import type { Messaging } from './messaging.ts'
import type { ExportingTracer } from './tracer.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What `OTEL_…` asks for, read: `undefined` where no spans are wanted. */
export interface TracingSettings {
  /** Of the collector, for traces; without user and password, which `headers` holds. */
  url: string
  headers: Readonly<Record<string, string>>
  resource: Readonly<Record<string, string>>
  sampler: string | undefined
  samplerArg: string | undefined
  version: string
  batch: {
    scheduledDelayMillis?: number
    exportTimeoutMillis?: number
    maxQueueSize?: number
    maxExportBatchSize?: number
  }
}

export interface TracingValues {
  /** Of all signals: a base. */
  endpoint: string | undefined
  /** Of traces alone, taken as it is. */
  tracesEndpoint: string | undefined
  headers: Readonly<Record<string, string>> | undefined
  /** Absent where nobody named it. */
  serviceName: string | undefined
  resource: Readonly<Record<string, string>> | undefined
  disabled: boolean
  sampler: string | undefined
  samplerArg: string | undefined
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

const batchNumbers = {
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
} as const

const batchOf = (env: Environment): TracingSettings['batch'] => {
  const batch: TracingSettings['batch'] = {}
  for (const name of Object.keys(batchNumbers) as (keyof typeof batchNumbers)[]) {
    const value = Number(given(env[batchNumbers[name]]))
    if (Number.isInteger(value) && value > 0) batch[name] = value
  }
  if ((batch.maxExportBatchSize ?? 512) > (batch.maxQueueSize ?? 2_048))
    batch.maxExportBatchSize = batch.maxQueueSize ?? 2_048
  return batch
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The URL, and the header that stands for a user and password in it: whoever calls it may print it. */
const placeOf = (text: string): Pick<TracingSettings, 'url' | 'headers'> => {
  const url = new URL(text)
  const { username, password } = url
  if (username === '' && password === '') return { url: text, headers: {} }
  url.username = ''
  url.password = ''
  const credentials = `${decoded(username)}:${decoded(password)}`
  return {
    url: url.href,
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  }
}

const lowerCased = (headers: TracingSettings['headers'] = {}): TracingSettings['headers'] =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/**
 * What the specification makes of the environment. Source:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export const tracingSettings = (
  values: TracingValues,
  env: Environment,
  version: string,
): TracingSettings | undefined => {
  const { endpoint, tracesEndpoint, serviceName } = values
  const place = tracesEndpoint ?? (endpoint && `${endpoint.replace(/\/+$/, '')}/v1/traces`)
  if (place === undefined || values.disabled) return undefined
  if (given(env.OTEL_TRACES_EXPORTER)?.trim() === 'none') return undefined
  const { url, headers } = placeOf(place)
  return {
    url,
    headers: { ...headers, ...lowerCased(values.headers) },
    // The name that was asked for stands above the one among the attributes; ours is the last resort.
    resource: {
      'service.name': 'zenhook',
      'service.version': version,
      ...values.resource,
      ...(serviceName === undefined ? {} : { 'service.name': serviceName }),
    },
    sampler: given(values.sampler),
    samplerArg: given(values.samplerArg),
    version,
    batch: batchOf(env),
  }
}

/** The tracer that the settings ask for; nothing of the SDK is loaded where they ask for none. */
export const openTracer = async (
  settings: TracingSettings | undefined,
  messaging: Messaging,
  logger: Logger,
): Promise<ExportingTracer | undefined> => {
  if (settings === undefined) return undefined
  const { createOtelTracer } = await import('./otel/index.ts')
  return createOtelTracer(settings, messaging, logger)
}
