export { createLogger, type Logger, redacted, silentLogger } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  type Traceparent,
} from './traceparent.ts'
