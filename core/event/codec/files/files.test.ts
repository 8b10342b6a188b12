import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { schemasContract } from '../contract.ts'
import { packageSchemas, packageSchemasFolder } from '../package.ts'
import { createFileSchemas } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'zenhook-schemas-'))
await cp(packageSchemasFolder(), folder, { recursive: true })

schemasContract({
  name: 'files',
  open: () => createFileSchemas({ folder, writable: true }),
  reopen: () => createFileSchemas({ folder, writable: true }),
  destroy: async () => undefined,
})

describe('shipped schemas', () => {
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('are all listed with their ids: a changed schema needs an id of its own', async () => {
    const schemas = await createFileSchemas()
    const present = await packageSchemas()
    const ids = await Promise.all(
      Object.entries(present).map(([kind, schema]) => schemas.register(`${kind}-value`, schema)),
    )
    expect(ids).toEqual([1, 2, 3, 4, 5])
    for (const id of ids) expect((await schemas.get(id)).type).toBe('record')
  })

  it('refuse what they do not list, for nobody could read it elsewhere', async () => {
    const schemas = await createFileSchemas()
    const { event } = await packageSchemas()
    const changed = {
      ...event,
      fields: [...event.fields, { name: 'x', type: 'string', default: '' }],
    }
    await expect(schemas.register('event-value', changed)).rejects.toMatchObject({
      code: 'ZENHOOK_SCHEMAS_INCOMPATIBLE',
    })
  })

  it('document every field', async () => {
    for (const schema of Object.values(await packageSchemas())) {
      expect(schema.doc).toBeTypeOf('string')
      for (const field of schema.fields) expect(field).toHaveProperty('doc')
    }
  })

  it('refuse a manifest that names one id twice', async () => {
    const file = join(folder, 'ids.json')
    const entries = JSON.parse(await readFile(file, 'utf8')) as unknown[]
    await writeFile(file, JSON.stringify([...entries, entries[0]]))
    await expect(createFileSchemas({ folder })).rejects.toThrow('twice')
    await writeFile(file, JSON.stringify(entries))
  })
})
