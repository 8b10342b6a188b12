import type { Messaging } from './messaging.ts'

/** Values of one attribute; absent ones are left out. */
export type AttributeValue = string | number | boolean | readonly string[] | undefined
export type Attributes = Readonly<Record<string, AttributeValue>>

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export interface SpanStart {
  /** Few different ones: never an id in it. */
  name: string
  kind: SpanKind
  /** The parent as a `traceparent` header; a new trace where it is absent or broken. */
  parent?: string | undefined
  tracestate?: string | undefined
  /** 32 hex digits: of a new trace, where its id is to be known from elsewhere. */
  traceId?: string
  /** 16 hex digits: of this span, where its id is to be known from elsewhere. */
  spanId?: string
  /** Spans that led to this one and are not its parent, as `traceparent` headers; broken ones are left out. */
  links?: readonly (string | undefined)[]
  attributes?: Attributes
  /** Milliseconds since the epoch; now by default. */
  startedAt?: number
}

export interface SpanEnd {
  attributes?: Attributes
  /** It failed: a code or class of the fault (`error.type`), never free text. */
  error?: string | undefined
}

export interface OpenSpan {
  /** What to hand to the next hop: this span, and whether it is sampled. */
  readonly traceparent: string
  end(end?: SpanEnd): void
}

/**
 * Makes spans that are exported. Absent (`undefined`) where nobody asked for them, so that whoever makes
 * spans asks once: `tracer?.start(…)`. Never throws, never waits.
 */
export interface Tracer {
  readonly messaging: Messaging
  start(span: SpanStart): OpenSpan
}

export interface ExportingTracer extends Tracer {
  /** Sends what is left, within a bound. Idempotent. */
  close(): Promise<void>
}
