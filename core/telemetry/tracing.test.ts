import { afterEach, describe, expect, it } from 'vitest'
import { type Collector, startCollector } from '../../test/fakes/collector.ts'
import { type Logger, silentLogger } from './logger.ts'
import { createMessaging } from './messaging.ts'
import { parseTraceparent } from './traceparent.ts'
import type { ExportingTracer } from './tracer.ts'
import { openTracer, type TracingValues, tracingSettings } from './tracing.ts'

const values: TracingValues = {
  endpoint: 'http://127.0.0.1:4318',
  tracesEndpoint: undefined,
  headers: undefined,
  serviceName: undefined,
  resource: undefined,
  disabled: false,
  sampler: undefined,
  samplerArg: undefined,
}
const settingsOf = (over: Partial<TracingValues> = {}, env: Record<string, string> = {}) =>
  tracingSettings({ ...values, ...over }, env, '1.2.3')

const messaging = createMessaging({
  system: 'kafka',
  topic: (name) => `z.${name}.v1`,
  group: (name) => `z.${name}`,
})

describe('what the environment asks for', () => {
  it('is nothing without an endpoint, or where it is switched off', async () => {
    expect(settingsOf({ endpoint: undefined })).toBeUndefined()
    expect(settingsOf({ disabled: true })).toBeUndefined()
    expect(settingsOf({}, { OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined()
    expect(await openTracer(undefined, messaging, silentLogger)).toBeUndefined()
  })

  it('names the collector: a base, or the place for traces itself', () => {
    expect(settingsOf()?.url).toBe('http://127.0.0.1:4318/v1/traces')
    expect(settingsOf({ endpoint: 'https://c.example/otlp/' })?.url).toBe(
      'https://c.example/otlp/v1/traces',
    )
    const tracesEndpoint = 'http://c.example/mine'
    expect(settingsOf({ tracesEndpoint })?.url).toBe(tracesEndpoint)
    expect(settingsOf({ tracesEndpoint, endpoint: undefined })?.url).toBe(tracesEndpoint)
  })

  it('takes a user and password out of the URL; a header that was given stands above them', () => {
    const endpoint = 'https://me:p%40ss@c.example'
    expect(settingsOf({ endpoint })).toMatchObject({
      url: 'https://c.example/v1/traces',
      headers: { authorization: `Basic ${btoa('me:p@ss')}` },
    })
    const headers = { Authorization: 'Bearer token' }
    expect(settingsOf({ endpoint, headers })?.headers).toEqual({ authorization: 'Bearer token' })
  })

  it('names the service: as asked, else as among the attributes, else as we are', () => {
    const resource = { 'service.name': 'attribute', zone: 'a' }
    expect(settingsOf()?.resource).toEqual({
      'service.name': 'zenhook',
      'service.version': '1.2.3',
    })
    expect(settingsOf({ resource })?.resource).toMatchObject(resource)
    expect(settingsOf({ resource, serviceName: 'asked' })?.resource).toMatchObject({
      'service.name': 'asked',
      zone: 'a',
    })
  })

  it('bounds the queue; what is no number is left aside', () => {
    const env = { OTEL_BSP_SCHEDULE_DELAY: '10', OTEL_BSP_EXPORT_TIMEOUT: 'soon' }
    expect(settingsOf({}, env)?.batch).toEqual({ scheduledDelayMillis: 10 })
    expect(settingsOf({}, { OTEL_BSP_MAX_QUEUE_SIZE: '100' })?.batch).toEqual({
      maxQueueSize: 100,
      maxExportBatchSize: 100,
    })
  })
})

describe('the messaging names', () => {
  it('are those of the conventions, with the names that others see', () => {
    expect(messaging.send('received', { id: 'i', key: 'k', bytes: 5 })).toEqual({
      name: 'send z.received.v1',
      kind: 'producer',
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'z.received.v1',
        'messaging.message.id': 'i',
        'messaging.message.body.size': 5,
        'messaging.kafka.message.key': 'k',
      },
    })
    const batch = { topic: 'received', partition: 3, group: 'chain', records: 7 }
    expect(messaging.process(batch)).toEqual({
      name: 'process z.received.v1',
      kind: 'consumer',
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        'messaging.destination.name': 'z.received.v1',
        'messaging.destination.partition.id': '3',
        'messaging.consumer.group.name': 'z.chain',
        'messaging.batch.message_count': 7,
      },
    })
  })
})

describe('the tracer', () => {
  let tracer: ExportingTracer | undefined
  let collector: Collector | undefined
  afterEach(async () => {
    await tracer?.close()
    await collector?.close()
  })

  const open = async (
    over: Partial<TracingValues> = {},
    logger: Logger = silentLogger,
  ): Promise<ExportingTracer> => {
    tracer = await openTracer(settingsOf(over), messaging, logger)
    if (tracer === undefined) throw new Error('no tracer was made')
    return tracer
  }
  const sampledBy = async (
    sampler: string,
    samplerArg?: string,
    logger?: Logger,
  ): Promise<string[]> => {
    const { start, close } = await open({ sampler, samplerArg }, logger)
    const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'
    const flags = [undefined, `${parent}-01`, `${parent}-00`].map((each) => {
      const { traceparent } = start({ name: 'n', kind: 'internal', parent: each })
      return parseTraceparent(traceparent)?.flags ?? ''
    })
    await close()
    return flags
  }

  it.each([
    ['always_on', undefined, ['01', '01', '01']],
    ['always_off', undefined, ['00', '00', '00']],
    ['traceidratio', '0', ['00', '00', '00']],
    ['traceidratio', '1', ['01', '01', '01']],
    ['parentbased_always_on', undefined, ['01', '01', '00']],
    ['parentbased_always_off', undefined, ['00', '01', '00']],
    ['parentbased_traceidratio', '0', ['00', '01', '00']],
  ])('samples as %s (%s) says: roots, sampled and unsampled parents', async (name, arg, flags) => {
    expect(await sampledBy(name, arg)).toEqual(flags)
  })

  it('says what it cannot follow, and goes on as the specification asks', async () => {
    const said: string[] = []
    const logger: Logger = { ...silentLogger, warn: (_, message) => void said.push(message) }
    expect(await sampledBy('jaeger_remote', undefined, logger)).toEqual(['01', '01', '00'])
    expect(await sampledBy('traceidratio', 'half', logger)).toEqual(['01', '01', '01'])
    expect(said).toEqual([
      expect.stringMatching(/jaeger_remote.*parentbased_always_on/) as string,
      expect.stringMatching(/'half'/) as string,
    ])
  })

  it('holds nobody up when the collector is away, and says so', async () => {
    const said: string[] = []
    const logger: Logger = { ...silentLogger, warn: (_, message) => void said.push(message) }
    const gone = await startCollector()
    await gone.close()
    const { start, close } = await open({ endpoint: gone.url }, logger)
    start({ name: 'lost', kind: 'internal' }).end()
    const began = performance.now()
    await close()
    expect(performance.now() - began).toBeLessThan(8_000)
    expect(said).toContainEqual(expect.stringMatching(/may not have been sent/))
  })

  it('exports parents, links, times and failures', async () => {
    collector = await startCollector()
    const endpoint = collector.url.replace('//', '//me:password@')
    const { start, close } = await open({ endpoint })
    const ids = { traceId: `${'0'.repeat(31)}1`, spanId: `${'0'.repeat(15)}2` }
    const startedAt = Date.now() - 5_000
    const root = start({ name: 'root', kind: 'server', ...ids, startedAt })
    expect(root.traceparent).toBe(`00-${ids.traceId}-${ids.spanId}-01`)
    const child = start({
      name: 'child',
      kind: 'client',
      parent: root.traceparent,
      links: [root.traceparent, 'broken', undefined],
      attributes: { text: 'a', list: ['b'], absent: undefined },
    })
    child.end({ attributes: { number: 1 }, error: 'timeout' })
    root.end()
    await close()
    expect(collector.requests[0]?.headers.authorization).toBe(`Basic ${btoa('me:password')}`)
    const found = Object.fromEntries(collector.spans.map((span) => [span.name, span]))
    expect(found.root).toMatchObject({ kind: 'server', ...ids, status: { code: 0 } })
    expect(BigInt(found.root?.startTimeUnixNano ?? 0) / 1_000_000n).toBe(BigInt(startedAt))
    expect(found.child).toMatchObject({
      kind: 'client',
      traceId: ids.traceId,
      parentSpanId: ids.spanId,
      links: [ids],
      status: { code: 2 },
    })
    expect(found.child?.attributes).toEqual({
      text: 'a',
      list: ['b'],
      number: 1,
      'error.type': 'timeout',
    })
    expect(found.child?.spanId).not.toBe(ids.spanId)
  })
})
