import type { ConnectionOptions } from 'node:tls'
import type { ISocketFactory, SASLOptions } from 'kafkajs'

/** The part of a logger that the adapter uses; `Logger` of core/telemetry is one. */
export interface KafkaLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface KafkaLogOptions {
  /** host:port, at least one. */
  brokers: readonly string[]
  /** `zenhook` by default. */
  clientId?: string
  /** Of topics and groups: `zenhook.received.v1`. */
  prefix?: string
  ssl?: boolean | ConnectionOptions
  sasl?: SASLOptions
  logger: KafkaLogger
  /** How connections are made, for proxies and for tests that cut them. */
  socketFactory?: ISocketFactory
  /** An append that is not acknowledged by then rejects with ZENHOOK_LOG_UNAVAILABLE. 15 s. */
  appendTimeoutMs?: number
  /** One request to a broker. 3 s for appends and 5 s for the rest. */
  requestTimeoutMs?: number
  /** A consumer that is silent for so long loses its partitions. 10 s. */
  sessionTimeoutMs?: number
  /** Bytes that may wait to be appended, all lanes together; beyond, appends are refused. 64 MiB. */
  maxQueuedBytes?: number
  /** Producers, that is appends under way at once. 64. */
  maxProducers?: number
}
