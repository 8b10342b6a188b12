import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

type Value = { stringValue?: string; intValue?: number; boolValue?: boolean } & {
  arrayValue?: { values: Value[] }
}
interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  traceState?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Value }[]
  links: { traceId: string; spanId: string }[]
  status: { code: number }
}
interface OtlpTraces {
  resourceSpans: {
    resource: { attributes: { key: string; value: Value }[] }
    scopeSpans: { scope: { name: string }; spans: OtlpSpan[] }[]
  }[]
}

/** A span as it was exported, its attributes as plain values. */
export interface CollectedSpan extends Omit<OtlpSpan, 'attributes' | 'kind'> {
  kind: string
  attributes: Readonly<Record<string, unknown>>
  resource: Readonly<Record<string, unknown>>
}

export interface Collector {
  url: string
  spans: CollectedSpan[]
  requests: { path: string; headers: IncomingHttpHeaders }[]
  close(): Promise<void>
}

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']

const plain = (value: Value): unknown =>
  value.arrayValue?.values.map(plain) ?? value.stringValue ?? value.intValue ?? value.boolValue
const record = (attributes: { key: string; value: Value }[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))

/** What takes spans over OTLP/HTTP in JSON, as a collector of OpenTelemetry does. */
export const startCollector = async (): Promise<Collector> => {
  const spans: CollectedSpan[] = []
  const requests: Collector['requests'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers })
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as OtlpTraces
      for (const { resource, scopeSpans } of resourceSpans)
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({
            ...span,
            kind: kinds[span.kind] ?? String(span.kind),
            attributes: record(span.attributes),
            resource: record(resource.attributes),
          })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
