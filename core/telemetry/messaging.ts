import type { Attributes, SpanKind } from './tracer.ts'

/**
 * The names of OpenTelemetry's semantic conventions for messaging, in one place: they are still in
 * development, and change here alone.
 * Source: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
 */
const names = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  partition: 'messaging.destination.partition.id',
  group: 'messaging.consumer.group.name',
  messageId: 'messaging.message.id',
  bodySize: 'messaging.message.body.size',
  batchSize: 'messaging.batch.message_count',
  kafkaKey: 'messaging.kafka.message.key',
} as const

export interface MessagingSpan {
  name: string
  kind: SpanKind
  attributes: Attributes
}

export interface Messaging {
  /** One record on its way into a topic (logical name). */
  send(topic: string, message: { id: string; key: string | null; bytes: number }): MessagingSpan
  /** A batch of one partition, worked on by a group. */
  process(batch: {
    topic: string
    partition: number
    group: string
    records: number
  }): MessagingSpan
}

export interface MessagingOptions {
  /** `kafka`, or `zenhook` for the embedded log. */
  system: 'kafka' | 'zenhook'
  /** The name of a topic or group where others can see it, by its logical one. */
  topic: (logical: string) => string
  group: (logical: string) => string
}

export const createMessaging = ({ system, topic, group }: MessagingOptions): Messaging => ({
  send(logical, { id, key, bytes }) {
    const destination = topic(logical)
    return {
      name: `send ${destination}`,
      kind: 'producer',
      attributes: {
        [names.system]: system,
        [names.operation]: 'send',
        [names.operationType]: 'send',
        [names.destination]: destination,
        [names.messageId]: id,
        [names.bodySize]: bytes,
        ...(system === 'kafka' && key !== null ? { [names.kafkaKey]: key } : {}),
      },
    }
  },
  process(batch) {
    const destination = topic(batch.topic)
    return {
      name: `process ${destination}`,
      kind: 'consumer',
      attributes: {
        [names.system]: system,
        [names.operation]: 'process',
        [names.operationType]: 'process',
        [names.destination]: destination,
        [names.partition]: String(batch.partition),
        [names.group]: group(batch.group),
        [names.batchSize]: batch.records,
      },
    }
  },
})
