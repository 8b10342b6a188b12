import { afterEach, describe, expect, it } from 'vitest'
import { ZenhookError } from '../core/errors/index.ts'
import { createMemoryLog } from '../core/log/memory/index.ts'
import type { StoredRecord } from '../core/log/port.ts'
import { topics } from '../core/log/topics.ts'
import type { Source } from '../core/registry/types.ts'
import { createMetrics } from '../core/telemetry/index.ts'
import { createIngress, type IngressOptions } from './index.ts'
import {
  faulty,
  genuineHeaders,
  makeCodec,
  makeKv,
  makeSnapshot,
  makeSource,
  verifierOf,
} from './testing/fakes.ts'

const codec = await makeCodec()
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const start = async (sources: readonly Source[], over: Partial<IngressOptions> = {}) => {
  const memory = createMemoryLog()
  await memory.ensureTopics(topics())
  const log = faulty(memory, () => new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true }))
  const kv = makeKv()
  const verifiers = new Map(sources.map((source) => [source, verifierOf(source)]))
  const ingress = createIngress({
    registry: { snapshot: () => makeSnapshot(sources) },
    verifierFor: async (source) => verifiers.get(source) ?? verifierOf(source),
    codec,
    log,
    kv: kv.kv,
    metrics: createMetrics(),
    ...over,
  })
  const { url, port } = await ingress.listen({ host: '127.0.0.1', port: 0 })
  open.push(async () => {
    await ingress.close(1_000)
    await memory.close()
  })
  const stored = async (topic = 'received'): Promise<StoredRecord[]> => {
    const found: StoredRecord[] = []
    for (const { partition, first } of await memory.ends(topic))
      for await (const record of memory.read({ topic, partition, offset: first }))
        found.push(record)
    return found
  }
  return { ingress, url, port, log, kv, stored }
}

const post = (url: string, body: string | Uint8Array, headers: Record<string, string>) =>
  fetch(url, { method: 'POST', body, headers })

describe('a genuine request', () => {
  it('is answered 202 with its id once it is in the log', async () => {
    const { url, stored } = await start([makeSource()])
    const body = '{"action":"opened"}'
    const response = await post(`${url}/in/acme/github`, body, genuineHeaders(body, 'd-1'))
    expect(response.status).toBe(202)
    const { id } = (await response.json()) as { id: string }
    const [record] = await stored()
    expect(record?.headers).toMatchObject({
      id,
      tenant: 'acme',
      source: 'github',
      type: 'push.opened',
    })
    const event = await codec.decode('event', record?.value ?? new Uint8Array())
    expect(event).toMatchObject({ id, deliveryId: 'd-1', provider: 'github' })
    expect(new TextDecoder().decode(event.raw)).toBe(body)
  })

  it('of which a hundred copies come at once is stored once, and each is answered 202', async () => {
    const { url, stored } = await start([makeSource()])
    const body = '{"n":1}'
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const response = await post(`${url}/in/acme/github`, body, genuineHeaders(body, 'd-2'))
        return { status: response.status, ...((await response.json()) as { id: string }) }
      }),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    expect(await stored()).toHaveLength(1)
  })
})
