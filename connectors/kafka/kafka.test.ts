import { Kafka as CloudEventsKafka, type KafkaMessage } from 'cloudevents'
import { describe, expect, it } from 'vitest'
import { ZenhookError } from '../../core/errors/index.ts'
import { createEgress } from '../../core/net/index.ts'
import { contextOf, destinationOf, dispatchOf, eventOf, mapKv } from '../../test/fakes/rig.ts'
import type { Attempt, ConnectorContext, Publish } from '../types.ts'
import { kafka } from './index.ts'

interface Published {
  topic: string
  key: string | null
  headers: Readonly<Record<string, string>>
  value: Uint8Array
}

interface Given {
  signal: AbortSignal
  secrets: ConnectorContext['secrets']
}

const send = async (
  attempt: Partial<Attempt> = {},
  config: Readonly<Record<string, unknown>> = { topic: 'ci.events' },
  publish?: Publish,
  { signal = new AbortController().signal, secrets }: Partial<Given> = {},
) => {
  const published: Published[] = []
  const destination = destinationOf({ connector: 'kafka', config })
  const context = {
    ...contextOf(destination, createEgress(), mapKv()),
    ...(secrets !== undefined && { secrets }),
    publish:
      publish ??
      (async (topic, key, headers, value) => {
        published.push({ topic, key, headers, value })
        return { partition: 3, offset: 7 }
      }),
  }
  const result = await kafka
    .create(context)
    .deliver({ dispatch: dispatchOf('hooks'), number: 1, ...attempt }, signal)
  return { result, published }
}

describe('kafka', () => {
  it('publishes CloudEvents that the reference library reads', async () => {
    const event = eventOf({
      body: { repository: { full_name: 'acme/app' } },
      facts: { resource: 'acme/app' },
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    })
    const dispatch = dispatchOf('hooks', { event })
    const config = { topic: 'ci.events', key: 'data.repository.full_name' }
    const { result, published } = await send({ dispatch }, config)
    expect(result).toEqual({ kind: 'delivered', externalId: 'ci.events/3/7' })
    const [record] = published
    expect(record).toMatchObject({ topic: 'ci.events', key: 'acme/app' })
    expect(record?.value).toEqual(event.raw)
    const message = {
      headers: record?.headers ?? {},
      key: record?.key ?? '',
      value: Buffer.from(record?.value ?? []).toString(),
      body: Buffer.from(record?.value ?? []).toString(),
    } satisfies Partial<KafkaMessage<string>>
    const cloudEvent = CloudEventsKafka.toEvent(message)
    expect(Array.isArray(cloudEvent) ? cloudEvent[0] : cloudEvent).toMatchObject({
      specversion: '1.0',
      id: event.id,
      source: '/zenhook/acme/github',
      type: 'check_run.completed',
      subject: 'acme/app',
      time: new Date(event.receivedAt).toISOString(),
      datacontenttype: 'application/json',
      zenhookdispatch: dispatch.id,
      data: { repository: { full_name: 'acme/app' } },
    })
  })

  it('says where the brokers may have it twice', async () => {
    const { result } = await send({}, { topic: 't' }, async () => ({
      ...{ partition: 1, offset: 2, resent: true },
    }))
    expect(result).toEqual({
      ...{ kind: 'delivered', externalId: 't/1/2', possibleDuplicate: true },
    })
  })

  it('uses the key of the event where the path leads nowhere', async () => {
    const { published } = await send({}, { topic: 't', key: 'data.nothing.here' })
    expect(published[0]?.key).toBe('acme/github')
  })

  it('publishes what the transform made as JSON', async () => {
    const { published } = await send({ transformed: { a: 1 } })
    expect(Buffer.from(published[0]?.value ?? []).toString()).toBe('{"a":1}')
    expect(published[0]?.headers['content-type']).toBe('application/json')
  })

  it.each([
    ['ZENHOOK_LOG_RECORD_TOO_LARGE', { reason: 'publish_refused', retriable: false }],
    ['ZENHOOK_LOG_UNKNOWN_TOPIC', { reason: 'publish_refused', retriable: false }],
    ['ZENHOOK_LOG_TOPIC_RESERVED', { reason: 'publish_refused', retriable: false }],
    [
      'ZENHOOK_LOG_UNAVAILABLE',
      { reason: 'publish_failed', retriable: true, possibleDuplicate: true },
    ],
  ] as const)('classifies %s', async (code, expected) => {
    const { result } = await send({}, { topic: 't' }, async () => {
      throw new ZenhookError(code)
    })
    expect(result).toMatchObject({ kind: 'failed', ...expected })
    const reason = result.kind === 'failed' ? result.reason : ''
    expect(Object.keys(kafka.spec.reasons)).toContain(reason)
  })

  it.each([
    ['is missing', () => Promise.reject(new ZenhookError('ZENHOOK_REGISTRY_SECRET_MISSING'))],
    ['is in no form of one', async () => ['secret']],
  ])('publishes nothing where its secret %s, and says so', async (_name, secrets) => {
    const { result, published } = await send({}, { topic: 't' }, undefined, { secrets })
    expect(result).toMatchObject({ reason: 'secret_unavailable', retriable: true })
    expect(result).not.toHaveProperty('possibleDuplicate')
    expect(published).toEqual([])
    expect(Object.keys(kafka.spec.reasons)).toContain('secret_unavailable')
  })

  it('is cut at once while the brokers are silent, as no failure', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    const startedAt = performance.now()
    const silent: Publish = () =>
      new Promise((_, reject) => setTimeout(() => reject(new Error('no acknowledgement')), 1_500))
    const { result } = await send({}, { topic: 't' }, silent, { signal: controller.signal })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(result).toMatchObject({ reason: 'cancelled', cancelled: true, possibleDuplicate: true })
    expect(Object.keys(kafka.spec.reasons)).toContain('cancelled')
    const { signal } = controller
    const late = await send({}, { topic: 't' }, undefined, { signal })
    expect(late.result).toMatchObject({ cancelled: true, possibleDuplicate: false })
    expect(late.published).toEqual([])
  })

  it('says that this process has no Kafka', async () => {
    const context = contextOf(
      destinationOf({ connector: 'kafka', config: { topic: 't' } }),
      createEgress(),
      mapKv(),
    )
    const result = await kafka
      .create(context)
      .deliver({ dispatch: dispatchOf('hooks'), number: 1 }, new AbortController().signal)
    expect(result).toMatchObject({ reason: 'unavailable', retriable: true })
  })
})
