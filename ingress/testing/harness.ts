import { connect } from 'node:net'
import type { Codec } from '../../core/event/codec/index.ts'
import { createMemoryLog } from '../../core/log/memory/index.ts'
import type { StoredRecord } from '../../core/log/port.ts'
import { topics } from '../../core/log/topics.ts'
import type { Source } from '../../core/registry/types.ts'
import { createMetrics } from '../../core/telemetry/index.ts'
import { createIngress, type IngressOptions } from '../index.ts'
import { createPublicServer, type PublicServerOptions } from '../server.ts'
import { faulty, makeCodec, makeKv, makeSnapshot, verifierOf } from './fakes.ts'

let codec: Codec | undefined

export type Over = Partial<Omit<IngressOptions, 'server'>> & { server?: PublicServerOptions }

/** An ingress on a free port, on a log and a state store in memory that fail when told to. */
export const startIngress = async (
  sources: readonly Source[],
  { server: listener, ...over }: Over = {},
) => {
  codec ??= await makeCodec()
  const memory = createMemoryLog()
  await memory.ensureTopics(topics())
  const log = faulty(memory)
  const kv = makeKv()
  const own = over.verifierFor === undefined ? sources : []
  const verifiers = new Map(own.map((source) => [source, verifierOf(source)]))
  const metrics = createMetrics()
  const server = createPublicServer(listener)
  const { url, port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const ingress = createIngress({
    server,
    publicUrl: url,
    registry: { snapshot: () => makeSnapshot(sources), caughtUp: () => true },
    verifierFor: async (source) => verifiers.get(source) ?? verifierOf(source),
    codec,
    log,
    kv: kv.kv,
    metrics,
    ...over,
  })
  const stored = async (topic = 'received'): Promise<StoredRecord[]> => {
    const found: StoredRecord[] = []
    for (const { partition, first } of await memory.ends(topic))
      for await (const record of memory.read({ topic, partition, offset: first }))
        found.push(record)
    return found
  }
  const close = async (): Promise<void> => {
    await ingress.close(1_000)
    await memory.close()
  }
  return { ingress, url, port, log, kv, stored, close, metrics, codec }
}

export type Started = Awaited<ReturnType<typeof startIngress>>

/** A shape of every refusal: RFC 9457 with our members. */
export const problemOf = async (response: Response): Promise<Record<string, unknown>> => {
  if (response.headers.get('content-type') !== 'application/problem+json')
    throw new Error(`not a problem: ${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}

export const post = (
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> => fetch(url, { method: 'POST', body, headers })

/** Sends bytes as they are, and gives everything that comes back until the peer ends, or time is up. */
export const raw = (port: number, bytes: string | Uint8Array, waitMs = 3_000): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(done, waitMs)
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', done)
    socket.on('close', done)
  })
