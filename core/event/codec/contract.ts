import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEvent } from '../make.ts'
import { createCodec } from './index.ts'
import { packageSchemas } from './package.ts'
import type { AvroSchema, Schemas } from './schemas.ts'

export interface SchemasHarness {
  name: string
  open(): Promise<Schemas>
  /** The same store, opened again with nothing in memory. */
  reopen(): Promise<Schemas>
  /** Makes the store go away until the returned function is called; absent where it cannot. */
  outage?(): Promise<() => Promise<void>>
  destroy(): Promise<void>
}

const field = (name: string, more: object = {}) => ({ name, type: 'string', ...more })

const record = (name: string, ...fields: unknown[]): AvroSchema => ({
  type: 'record',
  name,
  namespace: 'io.zenhook.test',
  fields,
})

/** What every store of schemas must keep. */
export const schemasContract = (harness: SchemasHarness): void => {
  describe(`schemas: ${harness.name}`, () => {
    let schemas: Schemas
    // A registry may be shared: names of its own per run.
    const run = `Run${Date.now().toString(36)}`
    const subject = (name: string): string => `contract.${run}.${name}-value`

    beforeAll(async () => {
      schemas = await harness.open()
    })
    afterAll(async () => {
      await schemas.close()
      await harness.destroy()
    })

    it('answers', async () => {
      await schemas.ping()
    })

    it('gives the same id for the same schema, and another for another', async () => {
      const one = record(`${run}Same`, field('a'))
      const other = record(`${run}Same`, field('a'), field('b', { default: 'x' }))
      const id = await schemas.register(subject('same'), one)
      expect(await schemas.register(subject('same'), structuredClone(one))).toBe(id)
      expect(await schemas.register(subject('same'), other)).not.toBe(id)
      expect(await schemas.register(subject('same'), one)).toBe(id)
      expect(Number.isInteger(id) && id >= 0 && id < 2 ** 32).toBe(true)
    })

    it('gives one id for one schema under several subjects', async () => {
      const schema = record(`${run}Many`, field('a'))
      const first = await schemas.register(subject('many-1'), schema)
      expect(await schemas.register(subject('many-2'), schema)).toBe(first)
    })

    it('gives a schema back by its id, with its defaults, also to a new process', async () => {
      const schema = record(
        `${run}Back`,
        field('a', { doc: 'documented' }),
        { name: 'n', type: ['null', 'long'], default: null },
        { name: 'inner', type: record(`${run}Inner`, field('x')) },
      )
      const id = await schemas.register(subject('back'), schema)
      const fresh = await harness.reopen()
      for (const store of [schemas, fresh]) {
        const back = await store.get(id)
        expect(back.type).toBe('record')
        expect(back.fields).toMatchObject([
          { name: 'a', type: 'string' },
          { name: 'n', type: ['null', 'long'], default: null },
          { name: 'inner' },
        ])
      }
      await fresh.close()
    })

    it('refuses a schema that cannot read what was written', async () => {
      await schemas.register(subject('refuse'), record(`${run}Refuse`, field('a')))
      const broken = [
        record(`${run}Refuse`, field('a'), field('b')),
        record(`${run}Refuse`, { name: 'a', type: 'long' }),
      ]
      for (const schema of broken)
        await expect(schemas.register(subject('refuse'), schema)).rejects.toMatchObject({
          code: 'ZENHOOK_SCHEMAS_INCOMPATIBLE',
          retriable: false,
        })
      const added = record(`${run}Refuse`, field('a'), field('b', { default: '' }))
      await schemas.register(subject('refuse'), added)
    })

    it('refuses what is no schema', async () => {
      const none = record(`${run}None`, { name: 'a', type: 'no-such-type' })
      await expect(schemas.register(subject('none'), none)).rejects.toMatchObject({
        code: 'ZENHOOK_SCHEMAS_INCOMPATIBLE',
      })
    })

    it('does not know an id that was never given', async () => {
      await expect(schemas.get(2_000_000_000)).rejects.toMatchObject({
        code: 'ZENHOOK_SCHEMAS_UNKNOWN_ID',
        retriable: false,
      })
    })

    it('registers side by side', async () => {
      const schema = record(`${run}Side`, field('a'))
      const ids = await Promise.all(
        Array.from({ length: 6 }, () => schemas.register(subject('side'), schema)),
      )
      expect(new Set(ids).size).toBe(1)
    })

    it('serves the codec: one process reads what another with an older schema wrote', async () => {
      const present = await packageSchemas()
      const event = makeEvent({
        id: 'e1',
        tenant: 'acme',
        source: 's',
        provider: 'p',
        type: 't',
        key: 'k',
        dedupeKey: 'd',
        dedupeWindowMs: 1,
        receivedAt: 5,
        contentType: 'application/json',
        headers: { a: 'b' },
        raw: new Uint8Array([1, 2]),
        facts: {},
        verification: { scheme: 'hmac', bodyCovered: true, idCovered: true },
        tracestate: 'x=1',
      })
      const named = (name: string, schema: AvroSchema): AvroSchema => ({ ...schema, name })
      // Names of this run, for a shared registry keeps what other runs registered.
      const fields = present.event.fields.filter(
        (one) => (one as { name: string }).name !== 'tracestate',
      )
      const older = {
        ...present,
        event: named(`${run}Event`, { ...present.event, fields }),
      }
      const newer = { ...present, event: named(`${run}Event`, present.event) }
      const topicSubject = (topic: string): string => subject(`codec.${topic}`)
      const writer = await createCodec({ schemas, topicSubject, present: older })
      const frame = writer.encode('event', event)
      const readerSchemas = await harness.reopen()
      const reader = await createCodec({ schemas: readerSchemas, topicSubject, present: newer })
      const back = await reader.decode('event', frame)
      expect(back).toEqual(makeEvent({ ...event, tracestate: undefined }))
      // Once known, it decodes at once.
      expect(reader.decode('event', frame)).not.toBeInstanceOf(Promise)
      await readerSchemas.close()
    })

    it('works on with what it knows while the store is away', {
      timeout: 60_000,
    }, async (context) => {
      if (harness.outage === undefined) return context.skip('files do not go away')
      const schema = record(`${run}Away`, field('a'))
      const id = await schemas.register(subject('away'), schema)
      const codec = await createCodec({
        schemas,
        topicSubject: (topic) => subject(`away.${topic}`),
      })
      const letter = { kind: 'source', tenant: 'a', name: 'b', revision: 'c', spec: '{}' }
      const frame = codec.encode('registry', letter)
      const end = await harness.outage()
      try {
        expect(await schemas.register(subject('away'), schema)).toBe(id)
        expect((await schemas.get(id)).name).toContain('Away')
        expect(await codec.decode('registry', frame)).toEqual(letter)
        const asked = [
          () => schemas.get(1_999_999_999),
          () => schemas.register(subject('late'), record(`${run}Late`, field('a'))),
          () => schemas.ping(),
        ]
        for (const work of asked)
          await expect(work()).rejects.toMatchObject({
            code: 'ZENHOOK_SCHEMAS_UNAVAILABLE',
            retriable: true,
          })
      } finally {
        await end()
      }
      await schemas.register(subject('late'), record(`${run}Late`, field('a')))
    })
  })
}
