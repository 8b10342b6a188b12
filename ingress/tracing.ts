import type { Event } from '../core/event/index.ts'
import type { NewRecord } from '../core/log/port.ts'
import type { Attributes, OpenSpan, Tracer } from '../core/telemetry/index.ts'
import type { Head } from './head.ts'

/** The spans of one request: its own, and the append below it. */
export interface RequestTrace {
  /** Gives the event its place in the sender's trace; its span is the one of the request. */
  begin(eventId: string, receivedFor: Pick<Event, 'tenant' | 'source'>): string
  append(record: NewRecord, eventId: string): OpenSpan
  /** An attribute that is known only now. */
  note(attributes: Attributes): void
  end(status: number, provider: string): void
}

export interface TracedRequest {
  method: string
  head: Pick<Head, 'traceparent' | 'tracestate' | 'contentLength'>
}

const route = '/in/{tenant}/{source}'
/** Others share one name, or a stranger could make as many as there are words. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Nothing of the request is in a span before it proved genuine: strangers write no attributes. */
export const traceRequest = (
  tracer: Tracer,
  { method, head }: TracedRequest,
  now: () => number,
): RequestTrace => {
  const startedAt = now()
  const known = methods.has(method)
  let span: OpenSpan | undefined
  let noted: Attributes = {}

  const start = (ids: { traceId?: string; spanId?: string }): OpenSpan =>
    tracer.start({
      name: `${known ? method : 'HTTP'} ${route}`,
      kind: 'server',
      parent: head.traceparent,
      tracestate: head.tracestate,
      startedAt,
      attributes: {
        'http.request.method': known ? method : '_OTHER',
        'http.route': route,
        'http.request.body.size': head.contentLength,
      },
      ...ids,
    })

  return {
    begin(eventId, { tenant, source }) {
      // Both ids are made from the event's, as without a tracer: whoever has that finds the trace.
      const own = eventId.replaceAll('-', '')
      span = start({ traceId: own, spanId: own.slice(16) })
      noted = {
        'zenhook.tenant': tenant,
        'zenhook.source': source,
        'zenhook.event.id': eventId,
      }
      return span.traceparent
    },
    append(record, eventId) {
      const { key, value } = record
      const message = { id: eventId, key, bytes: value?.length ?? 0 }
      return tracer.start({
        ...tracer.messaging.send(record.topic, message),
        parent: span?.traceparent,
      })
    },
    note(attributes) {
      noted = { ...noted, ...attributes }
    },
    end(status, provider) {
      const ended = span ?? start({})
      ended.end({
        attributes: { ...noted, 'http.response.status_code': status, 'zenhook.provider': provider },
        ...(status >= 500 ? { error: String(status) } : {}),
      })
    },
  }
}
