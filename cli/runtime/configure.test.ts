import { afterEach, describe, expect, it } from 'vitest'
import { apiOf } from '../../api/testing.ts'
import { createCodec } from '../../core/event/codec/codec.ts'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { createMemoryLog } from '../../core/log/memory/index.ts'
import type { Log } from '../../core/log/port.ts'
import { topics } from '../../core/log/topics.ts'
import { createRegistryReader } from '../../core/registry/reader.ts'
import { createPlainSecrets } from '../../core/registry/secrets.ts'
import { createRegistryWriter, type LogRegistryWriter } from '../../core/registry/writer.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import { createConfigurer } from './configure.ts'

const codec = await createCodec({ schemas: await createFileSchemas() })
const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

const openLog = async (): Promise<Log> => {
  const log = createMemoryLog()
  ended.push(() => log.close())
  await log.ensureTopics(topics().filter(({ name }) => name === 'registry'))
  return log
}

interface Played {
  /** Its snapshot stays as it was at the start. */
  lags?: boolean
  /** Comes between what a request looks at and what it publishes. */
  meanwhile?: () => Promise<unknown>
}

/** The API of one process over a log. */
const processOf = async (log: Log, { lags = false, meanwhile }: Played = {}) => {
  const reader = createRegistryReader({ log, codec, logger: silentLogger })
  ended.unshift(() => reader.close())
  const plain = createPlainSecrets()
  const own = createRegistryWriter({ log, codec })
  const writer: LogRegistryWriter = {
    ...own,
    async publish(...change) {
      await meanwhile?.()
      return own.publish(...change)
    },
  }
  const configurer = createConfigurer({ writer, plain }, {})
  await configurer.begin(undefined)
  await reader.ready()
  const first = reader.snapshot()
  const { send } = apiOf({
    registry: lags ? { ...reader, snapshot: () => first } : reader,
    writer,
    apply: configurer.apply,
    checkObject: configurer.checkObject,
  })
  const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    send(method, `/v1/registry/${path}`, {
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return { ask, reader, writer, apply: configurer.apply }
}

const problemOf = async (response: Response) =>
  (await response.json()) as { code: string; errors?: { pointer: string; detail: string }[] }

describe('a plain: secret of another life', () => {
  it.each(['plain:ref:0123456789abcdef01234567', 'plain:0123456789abcdef01234567'])(
    'is no value where it is put again: %s',
    async (ref) => {
      const { ask, reader, writer } = await processOf(await openLog())
      const spec = {
        ...{ tenant: 'acme', name: 'own', provider: 'github', secrets: [ref] },
        ...{ dedupe: {}, maxBody: 1_024, replay: 'accept' as const },
      }
      const { revision } = await writer.publish({ put: [{ kind: 'source', spec }] })
      await expect.poll(() => reader.snapshot().revision).toBe(revision)
      const read = (await (await ask('GET', 'source/acme/own')).json()) as typeof spec
      const refused = await ask('PUT', 'source/acme/own', { ...read, maxBody: 2_048 })
      expect(refused.status).toBe(400)
      const { code, errors } = await problemOf(refused)
      expect(code).toBe('ZENHOOK_API_INVALID')
      expect(errors).toEqual([
        { pointer: '#/secrets', detail: expect.stringMatching(/Say the value again/) },
      ])
      expect(JSON.stringify(errors)).not.toContain('0123456789abcdef')
      const again = { ...read, secrets: ['plain:a secret of this test'] }
      expect((await ask('PUT', 'source/acme/own', again)).status).toBe(200)
    },
  )
})

const box = { connector: 'bin' }
const toBox = { when: 'true', to: ['box'] }
const file = (names: string): string =>
  `tenants: { acme: { destinations: { ${names} }, routes: [{ name: r, when: "true", to: [box] }] } }`

describe('a change of one object', () => {
  it('is held against what is published, not against what this process has read', async () => {
    const { ask } = await processOf(await openLog(), { lags: true })
    const statuses = []
    for (const [method, path, body] of [
      ['PUT', 'destination/acme/box', box],
      ['PUT', 'route/acme/r', toBox],
      ['DELETE', 'route/acme/r'],
      ['DELETE', 'destination/acme/box'],
      ['DELETE', 'destination/acme/box'],
    ] as const) {
      statuses.push((await ask(method, path, body)).status)
    }
    expect(statuses).toEqual([200, 200, 200, 200, 404])
  })

  it('gives each of several new routes a place of its own', async () => {
    const { ask, writer } = await processOf(await openLog())
    await ask('PUT', 'destination/acme/box', box)
    const names = ['a', 'b', 'c', 'd']
    const answers = await Promise.all(names.map((name) => ask('PUT', `route/acme/${name}`, toBox)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const { objects } = await writer.present()
    const places = objects.flatMap(({ kind, spec }) => (kind === 'route' ? [spec.index] : []))
    expect(places.sort()).toEqual([0, 1, 2, 3])
  })

  it('is refused where what it needs is gone by the time it is published', async () => {
    const log = await openLog()
    const other = await processOf(log)
    await other.apply(file('box: { connector: bin }, rest: { connector: bin }'), 'z.yaml', false)
    let asked = false
    const { ask } = await processOf(log, {
      meanwhile: async () => {
        if (asked) await other.apply(file('box: { connector: bin }'), 'z.yaml', false)
      },
    })
    asked = true
    const refused = await ask('PUT', 'route/acme/late', { when: 'true', to: ['rest'] })
    expect(refused.status).toBe(400)
    expect((await problemOf(refused)).errors?.[0]?.pointer).toBe('#/to')
  })

  it('removes no destination that a route goes to', async () => {
    const { ask, apply } = await processOf(await openLog())
    await apply(file('box: { connector: bin }'), 'z.yaml', false)
    const refused = await ask('DELETE', 'destination/acme/box')
    expect(refused.status).toBe(409)
    expect(await problemOf(refused)).toMatchObject({
      code: 'ZENHOOK_API_IN_USE',
      detail: expect.stringMatching(/route r$/),
    })
    expect((await ask('DELETE', 'route/acme/r')).status).toBe(200)
    expect((await ask('DELETE', 'destination/acme/box')).status).toBe(200)
  })
})

describe('If-Match', () => {
  const path = 'destination/acme/box'

  /** A process that has the tag of the box, and in which others publish before it does. */
  const tagged = async (meanwhile: string) => {
    const log = await openLog()
    const other = await processOf(log)
    await other.apply(file('box: { connector: bin }'), 'z.yaml', false)
    let asked = false
    const publisher = await processOf(log, {
      meanwhile: async () => {
        if (!asked) return
        const there = await other.ask('PUT', meanwhile, { ...box, disabled: true })
        expect(there.status).toBe(200)
      },
    })
    asked = true
    const read = await publisher.ask('GET', path)
    return { ...publisher, tag: { 'if-match': read.headers.get('etag') ?? '' } }
  }

  it('holds while the object is what it was, whatever else is published', async () => {
    const { ask, tag, writer } = await tagged('destination/acme/other')
    expect((await ask('PUT', path, { ...box, ordered: true }, tag)).status).toBe(200)
    const { objects } = await writer.present()
    expect(objects.map(({ spec }) => spec.name).sort()).toEqual(['box', 'other', 'r'])
    expect((await ask('PUT', path, box, tag)).status).toBe(412)
  })

  it('does not where the object is published in between', async () => {
    const { ask, tag } = await tagged(path)
    for (const method of ['PUT', 'DELETE']) {
      const refused = await ask(method, path, method === 'PUT' ? box : undefined, tag)
      expect(refused.status).toBe(412)
      expect((await problemOf(refused)).code).toBe('ZENHOOK_API_CONFLICT')
    }
  })
})
