import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import { type AvroSchema, createCodec } from '../../core/event/codec/index.ts'
import { recordKinds } from '../../core/event/codec/kinds.ts'
import { packageSchemas, packageSchemasFolder } from '../../core/event/codec/package.ts'
import { samples } from '../../core/event/codec/testing.ts'
import { addIds, faultsOf, freeze, releasedSchemas } from './released.ts'

describe('F93: the schemas of this version', () => {
  it('F93: mean what they meant when they were released, and are compatible both ways with each', async () => {
    expect(await faultsOf(packageSchemasFolder())).toEqual([])
    expect((await releasedSchemas(packageSchemasFolder())).length).toBeGreaterThanOrEqual(5)
  })
})

interface Field {
  name: string
  type: unknown
  default?: unknown
}

describe('F93: a change of the schemas', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zenhook-released-'))
    await cp(packageSchemasFolder(), folder, { recursive: true })
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const change = async (file: string, edit: (fields: Field[]) => Field[]): Promise<void> => {
    const path = join(folder, file)
    const schema = JSON.parse(await readFile(path, 'utf8')) as AvroSchema
    await writeFile(path, JSON.stringify({ ...schema, fields: edit(schema.fields as Field[]) }))
  }

  it.each<[string, (fields: Field[]) => Field[], RegExp]>([
    [
      'a field without a default',
      (all) => [...all, { name: 'x', type: 'string' }],
      /cannot read what an earlier/,
    ],
    [
      'a field less',
      (all) => all.filter(({ name }) => name !== 'source'),
      /an earlier one cannot read/,
    ],
    [
      'another type',
      (all) =>
        all
          .map((one) => (one.name === 'key' ? { ...one, type: 'bytes' } : one))
          .map((one) => (one.name === 'receivedAt' ? { ...one, type: 'string' } : one)),
      /cannot read/,
    ],
    [
      'another name',
      (all) => all.map((one) => (one.name === 'tenant' ? { ...one, name: 'customer' } : one)),
      /cannot read/,
    ],
    [
      'a type made narrower',
      (all) => all.map((one) => (one.name === 'receivedAt' ? { ...one, type: 'int' } : one)),
      /cannot read what an earlier/,
    ],
    [
      'a type made wider',
      (all) => all.map((one) => (one.name === 'receivedAt' ? { ...one, type: 'double' } : one)),
      /an earlier one cannot read/,
    ],
  ])('F93: %s is refused, with the way out', async (_, edit, message) => {
    await change('event.avsc', edit)
    await addIds(folder)
    const faults = await faultsOf(folder)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(message)
    expect(faults[0]).toContain('Add a field only with a default')
  })

  it('F93: that is compatible but keeps the id is refused: what was written would be misread', async () => {
    await change('dead.avsc', (all) => [...all, { name: 'note', type: 'string', default: '' }])
    const faults = await faultsOf(folder)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/The id 4 was the Dead of 0\.1\.0.*scripts\/schemas\/main\.ts add/)
    expect(await addIds(folder)).toEqual([{ id: 6, name: 'Dead', file: 'dead.avsc' }])
    expect(await faultsOf(folder)).toEqual([])
    // Again before the release: the new id is nobody's yet.
    await change('dead.avsc', (all) => [...all, { name: 'more', type: 'int', default: 0 }])
    expect(await addIds(folder)).toEqual([])
    expect(await faultsOf(folder)).toEqual([])
    await freeze(folder, '0.2.0')
    await change('dead.avsc', (all) => all.filter(({ name }) => name !== 'note'))
    expect(await addIds(folder)).toEqual([{ id: 7, name: 'Dead', file: 'dead.avsc' }])
    expect(await faultsOf(folder)).toEqual([])
    expect((await releasedSchemas(folder)).map(({ id, version }) => `${version} ${id}`)).toEqual([
      ...[1, 2, 3, 4, 5].map((id) => `0.1.0 ${id}`),
      ...[1, 2, 3, 6, 5].sort().map((id) => `0.2.0 ${id}`),
    ])
  })

  it('F93: back to an older version, and forward again: records of both are read in one data folder', async () => {
    const kept = join(folder, 'written.json')
    const old = join(folder, 'old')
    await cp(packageSchemasFolder(), old, { recursive: true })
    await change('event.avsc', (all) => [
      ...all.filter(({ name }) => name !== 'tracestate'),
      { name: 'region', type: 'string', default: 'eu' },
    ])
    await addIds(folder)
    const openAt = async (from: string) =>
      createCodec({
        schemas: await createFileSchemas({ folder: from, kept }),
        present: await packageSchemas(from),
      })
    const before = await openAt(old)
    const first = recordKinds.map((kind) => ({ kind, frame: before.encode(kind, samples[kind]) }))
    const after = await openAt(folder)
    const second = recordKinds.map((kind) => ({ kind, frame: after.encode(kind, samples[kind]) }))
    expect(second[0]?.frame[4]).toBe(6)
    const { tracestate: _, ...event } = samples.event
    for (const codec of [await openAt(old), await openAt(folder)])
      for (const { kind, frame } of [...first, ...second]) {
        const found = await codec.decode(kind, frame)
        if (kind === 'event') expect(found).toMatchObject({ ...event })
        else expect(found).toEqual(samples[kind])
      }
    // A version that would read an id as something else is refused before it reads anything.
    const other = join(folder, 'other')
    await cp(old, other, { recursive: true })
    const path = join(other, 'event.avsc')
    const schema = JSON.parse(await readFile(path, 'utf8')) as AvroSchema
    await writeFile(
      path,
      JSON.stringify({
        ...schema,
        fields: [...schema.fields, { name: 'y', type: 'int', default: 1 }],
      }),
    )
    await expect(openAt(other)).rejects.toMatchObject({
      code: 'ZENHOOK_SCHEMAS_INCOMPATIBLE',
      message: expect.stringContaining('under the id 1'),
    })
  })
})
