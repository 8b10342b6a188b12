export { createLogger, type Logger, redacted, silentLogger } from './logger.ts'
export { createMessaging, type Messaging } from './messaging.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  type Traceparent,
} from './traceparent.ts'
export type {
  Attributes,
  ExportingTracer,
  OpenSpan,
  SpanEnd,
  SpanStart,
  Tracer,
} from './tracer.ts'
export {
  openTracer,
  type TracingSettings,
  type TracingValues,
  tracingSettings,
} from './tracing.ts'
