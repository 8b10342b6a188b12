import { afterEach, describe, expect, it } from 'vitest'
import { apiOf } from '../../api/testing.ts'
import { createCodec } from '../../core/event/codec/codec.ts'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { createMemoryLog } from '../../core/log/memory/index.ts'
import type { Log } from '../../core/log/port.ts'
import { topics } from '../../core/log/topics.ts'
import { createRegistryReader } from '../../core/registry/reader.ts'
import { createPlainSecrets, createSecrets } from '../../core/registry/secrets.ts'
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

/** The API of one process over a log; what it reads and writes may be replaced. */
const processOf = async (
  log: Log,
  over: (writer: LogRegistryWriter) => Partial<LogRegistryWriter> = () => ({}),
) => {
  const reader = createRegistryReader({ log, codec, logger: silentLogger })
  ended.unshift(() => reader.close())
  const plain = createPlainSecrets()
  const secrets = createSecrets({ env: {}, grants: () => 'any', plain })
  const own = createRegistryWriter({ log, codec })
  const writer = { ...own, ...over(own) }
  const configurer = createConfigurer({ reader, writer, secrets, plain }, {})
  await configurer.begin(undefined)
  await reader.ready()
  const { send } = apiOf({
    registry: reader,
    writer,
    apply: configurer.apply,
    checkObject: configurer.checkObject,
  })
  const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    send(method, `/v1/registry/${path}`, {
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return { ask, reader, writer, configurer }
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
