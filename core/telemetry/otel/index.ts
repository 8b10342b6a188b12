import {
  type Attributes as ApiAttributes,
  type Context,
  createTraceState,
  DiagLogLevel,
  diag,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Logger } from '../logger.ts'
import type { Messaging } from '../messaging.ts'
import { parseTraceparent } from '../traceparent.ts'
import type { Attributes, ExportingTracer, SpanStart } from '../tracer.ts'
import type { TracingSettings } from '../tracing.ts'
import { samplerOf } from './sampler.ts'

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const

const contextOf = (header: string | undefined): SpanContext | undefined => {
  const parsed = parseTraceparent(header)
  if (parsed === undefined) return undefined
  const { traceId, spanId, flags } = parsed
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
}

const parentOf = ({ parent, tracestate }: SpanStart): Context => {
  const found = contextOf(parent)
  if (found === undefined) return ROOT_CONTEXT
  return trace.setSpanContext(
    ROOT_CONTEXT,
    tracestate === undefined ? found : { ...found, traceState: createTraceState(tracestate) },
  )
}

const linksOf = (headers: readonly (string | undefined)[]): Link[] =>
  headers.flatMap((header) => {
    const context = contextOf(header)
    return context === undefined ? [] : [{ context }]
  })

const given = (attributes: Attributes = {}): ApiAttributes => {
  const out: ApiAttributes = {}
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined) out[name] = typeof value === 'object' ? [...value] : value
  }
  return out
}

/** Random ids, but for those that the next span is told. */
const createIds = (): { generator: IdGenerator; tell(span: SpanStart): void } => {
  const random = new RandomIdGenerator()
  let next: SpanStart | undefined
  return {
    generator: {
      generateTraceId: () => next?.traceId ?? random.generateTraceId(),
      generateSpanId: () => next?.spanId ?? random.generateSpanId(),
    },
    tell(span) {
      next = span
    },
  }
}

const closeMs = 2_000
const sayAgainMs = 60_000

/** What the SDK says of itself: a collector that is away must be seen, and must not flood the log. */
const sparing = (logger: Logger): ((what: string) => void) => {
  const said = new Map<string, number>()
  return (what) => {
    // Counts and times in it would make each a new one.
    const kind = what.slice(0, 60).replaceAll(/\d+/g, '')
    const time = performance.now()
    if (time - (said.get(kind) ?? Number.NEGATIVE_INFINITY) < sayAgainMs) return
    if (said.size >= 100) said.clear()
    said.set(kind, time)
    logger.warn({ part: 'tracing' }, what.slice(0, 500))
  }
}

/** Exports spans over OTLP/HTTP. Loaded only where somebody asked for it: the SDK costs time and memory. */
export const createOtelTracer = (
  settings: TracingSettings,
  messaging: Messaging,
  logger: Logger,
): ExportingTracer => {
  const warn = sparing(logger)
  diag.setLogger(
    { verbose() {}, debug() {}, info() {}, warn, error: warn },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const ids = createIds()
  const { url, headers, batch } = settings
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(settings.resource)),
    sampler: samplerOf(settings.sampler, settings.samplerArg, warn),
    idGenerator: ids.generator,
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url, headers }), ...batch }),
    ],
  })
  const tracer = provider.getTracer('zenhook', settings.version)
  let closed: Promise<void> | undefined

  const close = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        warn('the collector did not answer: the last spans may not have been sent')
        resolve()
      }, closeMs)
    })
    await Promise.race([provider.shutdown().catch((error: Error) => warn(error.message)), late])
    clearTimeout(timer)
    diag.disable()
  }

  return {
    messaging,
    start(start) {
      ids.tell(start)
      const span = tracer.startSpan(
        start.name,
        {
          kind: kinds[start.kind],
          attributes: given(start.attributes),
          ...(start.links === undefined ? {} : { links: linksOf(start.links) }),
          ...(start.startedAt === undefined ? {} : { startTime: start.startedAt }),
        },
        parentOf(start),
      )
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
        end({ attributes, error } = {}) {
          if (attributes !== undefined) span.setAttributes(given(attributes))
          if (error !== undefined) {
            span.setAttribute('error.type', error)
            span.setStatus({ code: SpanStatusCode.ERROR })
          }
          span.end()
        },
      }
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}
