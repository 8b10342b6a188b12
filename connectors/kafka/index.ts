import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { isZenhookError, messageOf, ZenhookError } from '../../core/errors/index.ts'
import { type Event, liveRun } from '../../core/event/index.ts'
import { compilePath, getPathText } from '../../core/expression/path.ts'
import { defineConnector } from '../define.ts'
import type { Attempt, AttemptResult } from '../types.ts'

const config = z.strictObject({
  topic: z
    .string()
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, 'is no name of a Kafka topic')
    .describe("Topic to publish to; it must exist, and be none of Zenhook's own"),
  key: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      'Path to the key of the record, for instance data.repository.full_name or facts.resource; by default the key of the event',
    ),
})

export const kafkaSpec: ComponentSpec<z.infer<typeof config>> = {
  name: 'kafka',
  kind: 'connector',
  summary: 'Records on a topic of yours, as CloudEvents 1.0 in binary mode',
  status: 'stable',
  config,
  secrets: {
    sasl: {
      description:
        'username:password of its own; by default the connection of this process is used',
      required: false,
      many: false,
    },
  },
  reasons: {
    delivered: 'The brokers acknowledged it',
    publish_failed: 'The brokers did not acknowledge it',
    publish_refused: "Refused for good: no such topic, too large, or a topic of Zenhook's own",
    unavailable: 'This process has no Kafka to publish to',
    secret_unavailable: 'A secret cannot be read now, or has the wrong form',
    cancelled: 'Stopped from our side; no failure of the brokers',
  },
  examples: [
    {
      title: 'Every event of a repository in order',
      yaml: 'connector: kafka\nconfig: { topic: ci.events, key: data.repository.full_name }\n',
    },
  ],
}

const json = new TextEncoder()

// Strings of CloudEvents hold no control characters; Kafka's headers are UTF-8.
const clean = (text: string): string => text.replace(/\p{Cc}/gu, ' ')

/** CloudEvents 1.0, Kafka binding, binary mode: attributes as `ce_` headers, the bytes as they are. */
export const cloudEventHeaders = (attempt: Attempt): Record<string, string> => {
  const { dispatch, transformed } = attempt
  const { event } = dispatch
  const traceparent = attempt.traceparent ?? event.traceparent
  const contentType = transformed === undefined ? event.contentType : 'application/json'
  const subject = event.facts.resource
  return {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: `/zenhook/${event.tenant}/${event.source}`,
    ce_type: clean(event.type) || event.provider,
    ce_time: new Date(event.receivedAt).toISOString(),
    ...(typeof subject === 'string' && subject !== '' ? { ce_subject: clean(subject) } : {}),
    ce_zenhookdispatch: dispatch.id,
    ...(dispatch.run === liveRun ? {} : { ce_zenhookreplay: dispatch.run }),
    ...(traceparent === undefined ? {} : { ce_traceparent: traceparent }),
    ...(event.tracestate === undefined ? {} : { ce_tracestate: clean(event.tracestate) }),
    ...(contentType === '' ? {} : { 'content-type': clean(contentType) }),
  }
}

const failed = (reason: string, retriable: boolean, error: unknown): AttemptResult => ({
  kind: 'failed',
  reason,
  retriable,
  // Brokers may have taken what they did not acknowledge.
  ...(reason === 'publish_failed' ? { possibleDuplicate: true } : {}),
  error: messageOf(error),
})

/** Brokers may have taken what they did not acknowledge before it was cut, so long as it was on its way at all. */
const cancelled = (possibleDuplicate: boolean): AttemptResult => ({
  kind: 'failed',
  ...{ reason: 'cancelled', retriable: true, cancelled: true, possibleDuplicate },
  error: 'The attempt was cancelled',
})

/** What comes of the work; `undefined` once the signal is aborted, whatever comes of it then. */
const unlessCut = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> => {
  let cut = (): void => {}
  const over = new Promise<undefined>((resolve) => {
    cut = () => resolve(undefined)
    signal.addEventListener('abort', cut)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    signal.removeEventListener('abort', cut)
  }
}

const final = new Set([
  'ZENHOOK_LOG_RECORD_TOO_LARGE',
  'ZENHOOK_LOG_UNKNOWN_TOPIC',
  'ZENHOOK_LOG_TOPIC_RESERVED',
])

/** Publishes to a topic of the user's. */
export const kafka = defineConnector(kafkaSpec, ({ topic, key }, context) => {
  const path = key === undefined ? undefined : compilePath(key)
  const keyOf = (event: Event): string =>
    path === undefined ? event.key : (getPathText(event, path) ?? event.key)

  return {
    async deliver(attempt, signal) {
      const { publish } = context
      if (publish === undefined) {
        const error = new ZenhookError('ZENHOOK_CONNECTOR_UNAVAILABLE', {
          message: 'This process has no Kafka to publish to: KAFKA_BROKERS is not set',
        })
        return failed('unavailable', true, error)
      }
      const { transformed, dispatch } = attempt
      const value =
        transformed === undefined ? dispatch.event.raw : json.encode(JSON.stringify(transformed))
      // Not within what follows: without its secret nothing is on its way.
      const [sasl] = await context.secrets('sasl')
      if (sasl !== undefined && sasl.indexOf(':') < 1) {
        throw new ZenhookError('ZENHOOK_CONNECTOR_SECRET_INVALID', {
          message: 'The sasl secret is not in the form username:password',
        })
      }
      if (signal.aborted) return cancelled(false)
      try {
        const headers = cloudEventHeaders(attempt)
        const record = keyOf(dispatch.event)
        const placed = await unlessCut(publish(topic, record, headers, value, { sasl }), signal)
        if (placed === undefined) return cancelled(true)
        const { partition, offset, resent = false } = placed
        return {
          kind: 'delivered',
          ...(partition !== undefined && { externalId: `${topic}/${partition}/${offset}` }),
          ...(resent && { possibleDuplicate: true }),
        }
      } catch (error) {
        if (isZenhookError(error) && final.has(error.code)) {
          return failed('publish_refused', false, error)
        }
        return failed('publish_failed', true, error)
      }
    },
  }
})
