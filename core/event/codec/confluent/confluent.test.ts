import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { testServers } from '../../../../test/servers.ts'
import { schemasContract } from '../contract.ts'
import { createCodec } from '../index.ts'
import { packageSchemas } from '../package.ts'
import { samples } from '../testing.ts'
import { createConfluentSchemas } from './index.ts'

const { registry, reason } = await testServers()

/** A way to the registry that can be closed and opened again, as an outage. */
const createGate = async (target: string) => {
  const requests: string[] = []
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(`${request.method} ${request.url}`)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { 'content-type': type = 'application/json', accept = '*/*' } = request.headers
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': type, accept },
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    })
    const body = Buffer.from(await answer.arrayBuffer())
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
    })
    response.end(body)
  }
  let port = 0
  let server: Server | undefined
  const open = async (): Promise<void> => {
    const opened = createServer((request, response) => {
      pass(request, response).catch(() => response.destroy())
    })
    await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve))
    server = opened
    port = (opened.address() as AddressInfo).port
  }
  const close = async (): Promise<void> => {
    const closed = server
    server = undefined
    if (closed === undefined) return
    closed.closeAllConnections()
    await new Promise((resolve) => closed.close(resolve))
  }
  await open()
  return { url: `http://127.0.0.1:${port}`, requests, open, close }
}

if (registry === undefined) {
  describe('schemas: confluent', () => {
    it.skip(`needs a schema registry: ${reason}`)
  })
} else {
  const gate = await createGate(registry)
  const open = async () =>
    createConfluentSchemas({ url: gate.url, timeoutMs: 3_000, retryForMs: 500 })
  schemasContract({
    name: 'confluent',
    open,
    reopen: open,
    outage: async () => {
      await gate.close()
      return gate.open
    },
    destroy: gate.close,
  })

  describe('confluent', () => {
    it('sets FULL_TRANSITIVE on a new subject', async () => {
      const schemas = createConfluentSchemas({ url: registry })
      const subject = `contract.level.${Date.now()}-value`
      await schemas.register(subject, {
        type: 'record',
        name: 'Level',
        fields: [{ name: 'a', type: 'string' }],
      })
      const answer = await fetch(`${registry}/config/${subject}`)
      expect(await answer.json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' })
    })

    it('waits for a registry that comes up late', { timeout: 30_000 }, async () => {
      const late = await createGate(registry)
      await late.close()
      const schemas = createConfluentSchemas({ url: late.url, retryForMs: 10_000 })
      const started = createCodec({
        schemas,
        topicSubject: (topic) => `late.${Date.now().toString(36)}.${topic}-value`,
      })
      await new Promise((resolve) => setTimeout(resolve, 400))
      await late.open()
      expect(await started).toHaveProperty('decode')
      await late.close()
    })
  })
}

describe('confluent, against answers made up', () => {
  let server: Server | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })
  const answering = async (
    answer: (response: ServerResponse, request: IncomingMessage) => void,
  ) => {
    const made = createServer((request, response) => answer(response, request))
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
    server = made
    return `127.0.0.1:${(made.address() as AddressInfo).port}`
  }
  const schema = { type: 'record' as const, name: 'A', fields: [{ name: 'a', type: 'string' }] }

  it('gives up on a registry that accepts and never answers', async () => {
    const host = await answering(() => undefined)
    const schemas = createConfluentSchemas({
      url: `http://${host}`,
      timeoutMs: 100,
      retryForMs: 200,
    })
    const started = performance.now()
    await expect(schemas.register('a-value', schema)).rejects.toMatchObject({
      code: 'ZENHOOK_SCHEMAS_UNAVAILABLE',
      retriable: true,
    })
    await expect(schemas.get(1)).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_UNAVAILABLE' })
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it.each([500, 503, 429])('takes status %s as an outage', async (status) => {
    const host = await answering((response) => response.writeHead(status).end('busy'))
    const schemas = createConfluentSchemas({ url: `http://${host}`, retryForMs: 0 })
    const asked = [
      () => schemas.get(1),
      () => schemas.register('a-value', schema),
      () => schemas.ping(),
    ]
    for (const work of asked)
      await expect(work()).rejects.toMatchObject({
        code: 'ZENHOOK_SCHEMAS_UNAVAILABLE',
        retriable: true,
      })
  })

  it('sends the user and password of its URL, and never tells them', async () => {
    const seen: (string | undefined)[] = []
    const host = await answering((response, request) => {
      seen.push(request.headers.authorization)
      response.writeHead(401).end('{"error_code":401,"message":"no"}')
    })
    const schemas = createConfluentSchemas({ url: `http://me:hush%21@${host}`, retryForMs: 0 })
    const caught = (work: Promise<unknown>) => work.catch((thrown: unknown) => thrown)
    const code = 'ZENHOOK_SCHEMAS_UNAVAILABLE'
    // A start says so at once; an event that is read waits.
    const starting = await caught(schemas.register('a-value', schema))
    expect(starting).toMatchObject({ code, retriable: false })
    const reading = await caught(schemas.get(1))
    expect(reading).toMatchObject({
      code,
      retriable: true,
      message: expect.stringMatching('status 401'),
    })
    for (const error of [starting, reading])
      expect(JSON.stringify(error) + String(error)).not.toContain('hush')
    expect(seen[0]).toBe(`Basic ${Buffer.from('me:hush!').toString('base64')}`)
  })

  it('reads a record once the password is right again, and never takes it for unreadable', async () => {
    const schemaOf = (await packageSchemas()).registry
    const answers = [401, 403]
    const host = await answering((response, request) => {
      request.resume()
      const isRead = request.url?.startsWith('/schemas/ids/') === true
      const status = isRead ? (answers.shift() ?? 200) : 200
      response.writeHead(status, { 'content-type': 'application/json' })
      const config = request.method === 'GET' ? { compatibilityLevel: 'FULL_TRANSITIVE' } : {}
      response.end(JSON.stringify({ id: 7, schema: JSON.stringify(schemaOf), ...config }))
    })
    const codec = await createCodec({ schemas: createConfluentSchemas({ url: `http://${host}` }) })
    const record = samples.registry
    const bytes = Uint8Array.from(codec.encode('registry', record))
    new DataView(bytes.buffer).setUint32(1, 8)
    const decode = async () => codec.decode('registry', bytes)
    for (const _ of [401, 403])
      await expect(decode()).rejects.toMatchObject({
        code: 'ZENHOOK_SCHEMAS_UNAVAILABLE',
        retriable: true,
      })
    expect(await decode()).toEqual(record)
  })

  it.each([
    ['{"error_code":40403,"message":"Schema 1 not found"}', 'ZENHOOK_SCHEMAS_UNKNOWN_ID', false],
    ['{"error_code":404,"message":"HTTP 404 Not Found"}', 'ZENHOOK_SCHEMAS_UNAVAILABLE', true],
    ['<html>no such backend</html>', 'ZENHOOK_SCHEMAS_UNAVAILABLE', true],
  ])(
    'takes 404 for an unknown schema only from the registry: %s',
    async (body, code, retriable) => {
      const host = await answering((response) => {
        response.writeHead(404, { 'content-type': 'application/json' }).end(body)
      })
      const schemas = createConfluentSchemas({ url: `http://${host}` })
      await expect(schemas.get(1)).rejects.toMatchObject({ code, retriable })
    },
  )

  describe('with a file', () => {
    let folder = ''
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'zenhook-schemas-'))
    })
    afterEach(() => rm(folder, { recursive: true, force: true }))

    /** A registry of one schema, with a switch. */
    const registryOf = async () => {
      const state = { away: false, asked: 0 }
      const host = await answering((response, request) => {
        state.asked += 1
        request.resume()
        const say = (body: unknown, status = 200): void => {
          response.writeHead(status, { 'content-type': 'application/json' })
          response.end(JSON.stringify(body))
        }
        if (state.away) return say({ message: 'busy' }, 503)
        if (request.url?.startsWith('/config'))
          return say({ compatibilityLevel: 'FULL_TRANSITIVE' })
        if (request.method === 'POST') return say({ id: 7 })
        return say({ schema: JSON.stringify(schema) })
      })
      return { state, url: `http://${host}` }
    }
    const openWith = (url: string) =>
      createConfluentSchemas({ url, retryForMs: 0, file: join(folder, 'schemas.json') })

    it('starts while the registry is away with what it was told before', async () => {
      const { state, url } = await registryOf()
      const first = openWith(url)
      expect(await first.register('a-value', schema)).toBe(7)
      expect(await first.get(8)).toMatchObject({ name: 'A' })
      await first.close()
      state.away = true
      state.asked = 0
      const second = openWith(url)
      expect(await second.register('a-value', schema)).toBe(7)
      expect(await second.get(8)).toMatchObject({ name: 'A' })
      expect(state.asked).toBe(1)
      for (const unknown of [() => second.register('b-value', schema), () => second.get(9)])
        await expect(unknown()).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_UNAVAILABLE' })
    })

    it('takes nothing from a file that is spoilt or of another registry', async () => {
      const { state, url } = await registryOf()
      const first = openWith(url)
      await first.register('a-value', schema)
      await first.close()
      state.away = true
      const file = join(folder, 'schemas.json')
      const text = await readFile(file, 'utf8')
      for (const spoilt of [text.slice(0, -9), 'null', text.replace(url, 'http://other')]) {
        await writeFile(file, spoilt)
        await expect(openWith(url).register('a-value', schema)).rejects.toMatchObject({
          code: 'ZENHOOK_SCHEMAS_UNAVAILABLE',
        })
      }
    })
  })
})
