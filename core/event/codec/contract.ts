import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeEvent } from '../make.ts'
import { createCodec } from './index.ts'
import { recordKinds } from './kinds.ts'
import { packageSchemas } from './package.ts'
import type { AvroSchema, Schemas } from './schemas.ts'
import { samples } from './testing.ts'

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

    it('F93: refuses a schema whose records an earlier one cannot read', async () => {
      await schemas.register(subject('forward'), record(`${run}Forward`, field('a'), field('b')))
      const less = record(`${run}Forward`, field('a'))
      await expect(schemas.register(subject('forward'), less)).rejects.toMatchObject({
        code: 'ZENHOOK_SCHEMAS_INCOMPATIBLE',
      })
    })

    it('F93: compares with every earlier schema, not with the latest alone', async () => {
      const name = `${run}Transitive`
      // Each reads its neighbour; the third would read of the first what has no value there.
      await schemas.register(subject('transitive'), record(name, field('a')))
      await schemas.register(
        subject('transitive'),
        record(name, field('a'), field('b', { default: 'x' })),
      )
      const third = record(name, field('a'), field('b'))
      await expect(schemas.register(subject('transitive'), third)).rejects.toMatchObject({
        code: 'ZENHOOK_SCHEMAS_INCOMPATIBLE',
      })
    })

    it('F93: the previous version, this one and the next read each other, whatever the kind', {
      timeout: 60_000,
    }, async () => {
      const present = await packageSchemas()
      type Present = typeof present
      const changed = (edit: (schema: AvroSchema) => AvroSchema, from: Present): Present => ({
        event: edit(from.event),
        dispatch: edit(from.dispatch),
        decisions: edit(from.decisions),
        dead: edit(from.dead),
        registry: edit(from.registry),
      })
      const added = new Set(['tracestate', 'deliveryId', 'transform', 'destination'])
      const isOld = (one: unknown): boolean => {
        const { name, default: fallback } = one as { name: string; default?: null }
        return fallback === undefined || !added.has(name)
      }
      // Names of this run, for a shared registry keeps what other runs registered.
      const here = changed((schema) => ({ ...schema, name: `${run}${schema.name}Mixed` }), present)
      const versions = {
        previous: changed(
          (schema) => ({
            ...schema,
            fields: schema.fields.filter(isOld),
          }),
          here,
        ),
        present: here,
        next: changed(
          (schema) => ({
            ...schema,
            fields: [
              {
                name: 'later',
                type: ['null', 'string'],
                doc: 'of the next version',
                default: null,
              },
              ...schema.fields,
            ],
          }),
          here,
        ),
      }
      const topicSubject = (topic: string): string => subject(`mixed.${topic}`)
      const stores: Schemas[] = []
      const openAll = async () => {
        const codecs = []
        for (const [version, its] of Object.entries(versions)) {
          const store = await harness.reopen()
          stores.push(store)
          const codec = await createCodec({ schemas: store, topicSubject, present: its })
          codecs.push({ version, codec })
        }
        return codecs
      }
      const writers = await openAll()
      // Files are read when they are opened: readers come after what the writers made known.
      const readers = await openAll()
      for (const kind of recordKinds) {
        // What the previous version does not know is absent; all else is as it was written.
        const [old] = readers
        const bare = await old?.codec.decode(kind, old.codec.encode(kind, samples[kind]))
        for (const { version: from, codec: writer } of writers)
          for (const { version: to, codec: reader } of readers) {
            const back = await reader.decode(kind, writer.encode(kind, samples[kind]))
            const whole = from !== 'previous' && to !== 'previous'
            expect({ from, to, back }).toEqual({ from, to, back: whole ? samples[kind] : bare })
          }
      }
      for (const store of stores) await store.close()
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
