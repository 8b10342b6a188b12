import { createHmac, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CollectedSpan, type Collector, startCollector } from '../fakes/collector.ts'
import { eventually, type Running, start, workspace, zenhook } from './harness.ts'

let space: Awaited<ReturnType<typeof workspace>>
let collector: Collector
let running: Running
const secret = 'a secret of this test'
const received: IncomingHttpHeaders[] = []
const receiver = createServer((request, response) => {
  received.push(request.headers)
  request.resume().on('end', () => response.writeHead(204).end())
})

beforeAll(async () => {
  space = await workspace()
  collector = await startCollector()
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  const config = `
tenants:
  acme:
    sources: { hook: { provider: github, secrets: ["plain:${secret}"] } }
    destinations:
      out: { connector: webhook, config: { url: "http://127.0.0.1:${port}/" }, allowPrivate: true }
    routes: [{ name: all, when: "true", to: [out] }]
`
  await writeFile(space.path('zenhook.yaml'), config)
  running = await start({
    dataDir: space.path('data'),
    args: [
      ...['--config', space.path('zenhook.yaml'), '--allow-private', '127.0.0.0/8'],
      ...['--port', '0', '--admin-port', '0'],
    ],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-canary=of%20this%20test',
      OTEL_SERVICE_NAME: 'hooks',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=other',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  })
})
afterAll(async () => {
  await space.remove()
  await collector.close()
  receiver.closeAllConnections()
  await new Promise((resolve) => receiver.close(resolve))
})

const hook = async (headers: Record<string, string>): Promise<{ status: number; id: string }> => {
  const body = JSON.stringify({ ref: 'refs/heads/main', n: randomUUID() })
  const signature = createHmac('sha256', secret).update(body).digest('hex')
  const response = await fetch(`${running.instance.publicUrl}/in/acme/hook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
      ...headers,
    },
    body,
  })
  const { id = '' } = (await response.json()) as { id?: string }
  return { status: response.status, id }
}

const delivered = (id: string): Promise<IncomingHttpHeaders> =>
  eventually(
    () => received.find((headers) => headers['zenhook-event-id'] === id),
    `the delivery of ${id}`,
  )

const span = (what: string, fits: (span: CollectedSpan) => boolean): Promise<CollectedSpan> =>
  eventually(() => collector.spans.find(fits), `the span of ${what}`)

const eventSpans = async (id: string) => {
  const of = (kind: string) => (each: CollectedSpan) =>
    each.kind === kind && each.attributes['zenhook.event.id'] === id
  const request = await span('the request', of('server'))
  const attempt = await span('the attempt', of('client'))
  const append = await span('the append', (each) => each.attributes['messaging.message.id'] === id)
  const batch = await span(
    'the batch',
    ({ kind, links }) =>
      kind === 'consumer' && links.some(({ spanId }) => spanId === request.spanId),
  )
  return { request, append, batch, attempt }
}

const took = ({ startTimeUnixNano, endTimeUnixNano }: CollectedSpan): bigint =>
  BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)

describe('spans', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const providerSpan = '00f067aa0ba902b7'

  it('go on from the trace of the provider up to the receiver', async () => {
    const { status, id } = await hook({
      traceparent: `00-${traceId}-${providerSpan}-01`,
      tracestate: 'vendor=1',
    })
    expect(status).toBe(202)
    const headers = await delivered(id)
    const { request, append, batch, attempt } = await eventSpans(id)

    expect(request).toMatchObject({
      name: 'POST /in/{tenant}/{source}',
      traceId,
      parentSpanId: providerSpan,
      traceState: 'vendor=1',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/in/{tenant}/{source}',
        'http.response.status_code': 202,
        'http.request.body.size': expect.any(Number) as number,
        'zenhook.tenant': 'acme',
        'zenhook.source': 'hook',
        'zenhook.provider': 'github',
      },
      resource: {
        'service.name': 'hooks',
        'service.version': expect.any(String) as string,
        'deployment.environment.name': 'test',
        'telemetry.sdk.language': 'nodejs',
      },
    })
    expect(append).toMatchObject({
      name: 'send received',
      kind: 'producer',
      traceId,
      parentSpanId: request.spanId,
      attributes: {
        'messaging.system': 'zenhook',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'received',
      },
    })
    // A batch belongs to no trace of its records: it is the root of its own.
    expect(batch).toMatchObject({
      name: 'process received',
      attributes: {
        'messaging.system': 'zenhook',
        'messaging.operation.name': 'process',
        'messaging.destination.name': 'received',
        'messaging.consumer.group.name': 'chain',
        'messaging.batch.message_count': expect.any(Number) as number,
        'zenhook.stages': ['dedupe', 'enrich', 'score', 'route'],
      },
    })
    expect(batch.traceId).not.toBe(traceId)
    expect(batch.parentSpanId ?? '').toBe('')
    expect(batch.links).toContainEqual(
      expect.objectContaining({ traceId, spanId: request.spanId }) as object,
    )
    expect(batch.links).toHaveLength(Number(batch.attributes['messaging.batch.message_count']))
    expect(attempt).toMatchObject({
      name: 'deliver webhook',
      traceId,
      parentSpanId: request.spanId,
      attributes: {
        'zenhook.destination': 'out',
        'zenhook.connector': 'webhook',
        'zenhook.attempt': 1,
        'zenhook.run': 'live',
        'zenhook.outcome': 'delivered',
        'http.response.status_code': 204,
      },
    })
    expect(headers.traceparent).toBe(`00-${traceId}-${attempt.spanId}-01`)
    expect(headers.tracestate).toBe('vendor=1')
    for (const each of [request, append, batch, attempt]) {
      expect(took(each)).toBeGreaterThan(0n)
      expect(each.status.code).toBe(0)
    }
    expect(took(request)).toBeGreaterThanOrEqual(took(append))
    for (const { path, headers: sent } of collector.requests) {
      expect(path).toBe('/v1/traces')
      expect(sent['x-canary']).toBe('of this test')
    }
  })

  it('begin a trace that is found by the id of the event', async () => {
    const { id } = await hook({})
    const headers = await delivered(id)
    const { request, attempt } = await eventSpans(id)
    expect(request.traceId).toBe(id.replaceAll('-', ''))
    expect(request.parentSpanId ?? '').toBe('')
    expect(headers.traceparent).toBe(`00-${request.traceId}-${attempt.spanId}-01`)
  })

  it('are left out where the provider does not sample, and the receiver is told so', async () => {
    const unsampled = '5bf92f3577b34da6a3ce929d0e0e4736'
    const { id } = await hook({ traceparent: `00-${unsampled}-${providerSpan}-00` })
    const headers = await delivered(id)
    expect(headers.traceparent).toMatch(new RegExp(`^00-${unsampled}-[0-9a-f]{16}-00$`))
    // What came after it has been exported: it would be there.
    const later = await hook({})
    await delivered(later.id)
    await eventSpans(later.id)
    expect(collector.spans.filter((each) => each.traceId === unsampled)).toEqual([])
  })

  it('of a stranger hold nothing that the stranger wrote', async () => {
    const strange = '6bf92f3577b34da6a3ce929d0e0e4736'
    const forged = await hook({
      'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
      traceparent: `00-${strange}-${providerSpan}-01`,
    })
    expect(forged.status).toBe(401)
    const refused = await span('the refusal', (each) => each.traceId === strange)
    expect(refused.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/in/{tenant}/{source}',
      'http.request.body.size': expect.any(Number) as number,
      'http.response.status_code': 401,
      'zenhook.provider': 'github',
    })
  })

  it('have a collector that doctor knows', async () => {
    const doctor = await zenhook(['doctor', '--data-dir', space.path('data')], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    })
    expect(doctor.out).toMatch(/^ok\s+traces\s+collector at 127\.0\.0\.1:\d+\/v1\/traces$/m)
    const own = `${collector.url.replace('//', '//user:hunter2@')}/v1/traces`
    const known = await zenhook(['doctor', '--data-dir', space.path('data')], {
      env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own },
    })
    expect(known.out).toMatch(/^ok\s+traces\s+collector at 127\.0\.0\.1:\d+\/v1\/traces$/m)
    const authorization = `Basic ${btoa('user:hunter2')}`
    expect(collector.requests.at(-1)?.headers.authorization).toBe(authorization)
    expect(known.out + known.err).not.toContain('hunter2')
    const gone = await startCollector()
    await gone.close()
    const without = await zenhook(['doctor', '--data-dir', space.path('data')], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: gone.url },
    })
    expect(without.code).toBe(1)
    expect(without.out).toMatch(/^NO\s+traces .*Check OTEL_EXPORTER_OTLP_ENDPOINT/m)
  })

  it('that are left are sent before the process ends', async () => {
    const { id } = await hook({})
    await delivered(id)
    expect(await running.end('SIGTERM')).toBe(0)
    const kinds = collector.spans
      .filter(({ attributes }) => attributes['zenhook.event.id'] === id)
      .map(({ kind }) => kind)
    expect(kinds.sort()).toEqual(['client', 'server'])
  })
})
