import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topics } from '../../log/topics.ts'
import { makeEvent } from '../make.ts'
import type { DecisionSet, Dispatch, Event } from '../types.ts'
import { createFileSchemas } from './files/index.ts'
import { type AvroSchema, createCodec, type RecordKind, type RecordKinds } from './index.ts'
import { kindTopics, recordKinds } from './kinds.ts'
import { packageSchemas } from './package.ts'
import { samples as full } from './testing.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const { event } = full

const bare = makeEvent({
  id: 'e',
  tenant: 't',
  source: 's',
  provider: 'hmac',
  type: '',
  key: '',
  dedupeKey: '',
  dedupeWindowMs: 0,
  receivedAt: 0,
  contentType: '',
  headers: {},
  raw: new Uint8Array(),
  facts: {},
  verification: { scheme: 'hmac', bodyCovered: true, idCovered: true },
})

const dispatch: Dispatch = { ...full.dispatch, notBefore: 0 }

const decisions: DecisionSet = {
  tenant: 'acme',
  source: 'github',
  eventId: event.id,
  type: event.type,
  receivedAt: event.receivedAt,
  run: 'live',
  decisions: [
    {
      id: 'd1',
      stage: 'score',
      verdict: 'pass',
      reason: 'scored',
      score: 0.75,
      model: 'trees-1',
      at: 7,
      tookMs: 0.25,
      details: { why: ['x'] },
    },
    {
      id: 'd2',
      stage: 'deliver',
      verdict: 'retry',
      reason: 'http_503',
      route: 'r',
      destination: 'oncall',
      dispatchId: 'dsp_1',
      attempt: 1,
      at: 8,
      tookMs: 12,
      details: {},
    },
  ],
}

const samples: { [K in RecordKind]: readonly [RecordKinds[K], ...RecordKinds[K][]] } = {
  event: [event, bare],
  dispatch: [dispatch, { ...dispatch, transform: undefined }],
  decisions: [decisions, { ...decisions, decisions: [] }],
  dead: [
    {
      id: 'x',
      tenant: '',
      source: '',
      eventId: '',
      stage: 'dedupe',
      code: 'ZENHOOK_STAGE_UNDECODABLE',
      message: 'corrupt',
      at: 1,
      origin: { topic: 'received', partition: 0, offset: 12 },
      originHeaders: { id: 'x' },
      original: new Uint8Array([0, 1, 2, 255]),
    },
  ],
  registry: [full.registry],
}

const open = async () => createCodec({ schemas: await createFileSchemas() })

describe('codec', () => {
  it('gives back every kind as it was', async () => {
    const codec = await open()
    for (const kind of recordKinds)
      for (const sample of samples[kind]) {
        const frame = codec.encode(kind, sample)
        const back = await codec.decode(kind, frame)
        expect(back).toEqual(sample)
        expect(Buffer.from(codec.encode(kind, back))).toEqual(Buffer.from(frame))
      }
  })

  it('frames as Confluent does and decodes known ids synchronously', async () => {
    const codec = await open()
    const frame = codec.encode('event', event)
    expect([...frame.subarray(0, 5)]).toEqual([0, 0, 0, 0, 1])
    const back = codec.decode('event', frame)
    expect(back).not.toBeInstanceOf(Promise)
  })

  it('carries records larger than its scratch buffer, and small ones after', async () => {
    const codec = await open()
    for (const size of [20_000, 5 * 1024 * 1024, 10]) {
      const raw = new Uint8Array(size).fill(7)
      const big = makeEvent({ ...bare, raw })
      const back = await codec.decode('event', codec.encode('event', big))
      expect(Buffer.compare(back.raw, raw)).toBe(0)
    }
  })

  it('gives frames of their own: a later encode does not touch an earlier one', async () => {
    const codec = await open()
    const first = codec.encode('event', event)
    const copy = Buffer.from(first)
    codec.encode('event', bare)
    expect(Buffer.from(first)).toEqual(copy)
  })

  it('refuses every truncation and every trailing byte as a bad frame', async () => {
    const codec = await open()
    for (const kind of recordKinds) {
      const frame = codec.encode(kind, samples[kind][0])
      for (let length = 0; length < frame.length; length += 1)
        await expect(
          (async () => codec.decode(kind, frame.subarray(0, length)))(),
        ).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_BAD_FRAME' })
      await expect(
        (async () => codec.decode(kind, Buffer.concat([frame, Buffer.from([0])])))(),
      ).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_BAD_FRAME' })
    }
  })

  it('survives corrupt bytes: a value or a bad frame, at once and in little memory', async () => {
    const codec = await open()
    const frames = recordKinds.map((kind) => ({
      kind,
      frame: codec.encode(kind, samples[kind][0]),
    }))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...frames),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        async ({ kind, frame }, changes) => {
          const broken = Buffer.from(frame)
          for (const [at, value] of changes) broken[5 + (at % (broken.length - 5))] = value
          const error = await (async () => codec.decode(kind, broken))().then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
          if (error !== undefined)
            expect(error).toMatchObject({ code: 'ZENHOOK_SCHEMAS_BAD_FRAME' })
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('refuses a count of items that the bytes cannot hold', async () => {
    const codec = await open()
    const empty = codec.encode('decisions', { ...decisions, decisions: [] })
    const huge = Buffer.concat([
      empty.subarray(0, empty.length - 1),
      Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    ])
    const started = performance.now()
    await expect((async () => codec.decode('decisions', huge))()).rejects.toMatchObject({
      code: 'ZENHOOK_SCHEMAS_BAD_FRAME',
    })
    expect(performance.now() - started).toBeLessThan(200)
  })

  it('refuses a record of another kind, an unknown id, and another magic byte', async () => {
    const codec = await open()
    const frame = codec.encode('dead', samples.dead[0])
    const attempt = async (bytes: Uint8Array) => codec.decode('event', bytes)
    await expect(attempt(frame)).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_BAD_FRAME' })
    const unknown = Buffer.from(frame)
    unknown.writeUInt32BE(4_000_000_000, 1)
    await expect(attempt(unknown)).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_UNKNOWN_ID' })
    const json = bytes('{"id":"plain json"}')
    await expect(attempt(json)).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_BAD_FRAME' })
  })

  it('reads what an earlier and a later schema wrote', async () => {
    const files = await createFileSchemas()
    const present = await packageSchemas()
    const without = (name: string): AvroSchema => ({
      ...present.event,
      fields: present.event.fields.filter((field) => (field as { name: string }).name !== name),
    })
    const earlier = without('tracestate')
    const later: AvroSchema = {
      ...present.event,
      fields: [...present.event.fields, { name: 'extra', type: 'string', default: 'new' }],
    }
    let fetched = 0
    const versions = new Map([
      [100, earlier],
      [101, later],
    ])
    const schemas = {
      ...files,
      get: async (id: number) => {
        fetched += 1
        return versions.get(id) ?? files.get(id)
      },
    }
    const codec = await createCodec({ schemas })
    for (const [id, schema] of versions) {
      const writer = await createCodec({
        schemas: { ...files, register: async () => id },
        present: { ...present, event: schema },
      })
      const frame = writer.encode('event', Object.assign(makeEvent({ ...event }), { extra: 'x' }))
      const expected = id === 100 ? makeEvent({ ...event, tracestate: undefined }) : event
      const [one, two] = await Promise.all([
        codec.decode('event', frame),
        codec.decode('event', frame),
      ])
      expect(one).toEqual(expected)
      expect(two).toEqual(expected)
    }
    expect(fetched).toBe(2)
  })

  it('does not ask the registry again and again for an id that it does not know', async () => {
    const files = await createFileSchemas()
    let asked = 0
    let time = 0
    const codec = await createCodec({
      schemas: {
        ...files,
        get: async (id) => {
          asked += 1
          return files.get(id)
        },
      },
      now: () => time,
    })
    const frame = Buffer.from(codec.encode('event', event))
    frame.writeUInt32BE(77, 1)
    const attempt = async () => codec.decode('event', frame)
    for (let index = 0; index < 20; index += 1)
      await expect(attempt()).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_UNKNOWN_ID' })
    expect(asked).toBe(1)
    time = 11_000
    await expect(attempt()).rejects.toMatchObject({ code: 'ZENHOOK_SCHEMAS_UNKNOWN_ID' })
    expect(asked).toBe(2)
  })

  it('knows every topic', () => {
    expect(Object.values(kindTopics).flat().sort()).toEqual(
      topics()
        .map((topic) => topic.name)
        .sort(),
    )
  })

  it('decodes lazily: the body is parsed on first use', async () => {
    const codec = await open()
    const back: Event = await codec.decode('event', codec.encode('event', event))
    expect(back.data).toEqual({ a: [1, 2, { b: 'ß' }] })
    expect(back.data).toBe(back.data)
  })
})

describe('a codec that remembers', () => {
  it('gives its own bytes back as they were, and decodes all others', async () => {
    const codec = await createCodec({ schemas: await createFileSchemas(), remember: true })
    const record = { kind: 'route', tenant: 'acme', name: 'all', revision: 'r', spec: '{}' }
    const bytes = codec.encode('registry', record)
    expect(await codec.decode('registry', bytes)).toBe(record)
    const copy = Uint8Array.from(bytes)
    expect(await codec.decode('registry', copy)).toEqual(record)
    expect(await codec.decode('registry', copy)).not.toBe(record)
    await expect(async () => codec.decode('dead', bytes)).rejects.toThrow(/is not a dead/)
  })
})
