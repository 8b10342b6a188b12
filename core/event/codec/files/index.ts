import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ZenhookError } from '../../../errors/index.ts'
import { type AvroType, incompatible, requireCompatible, sameSchema, typeOf } from '../avro.ts'
import { packageSchemasFolder, readSchema } from '../package.ts'
import type { AvroSchema, Schemas } from '../schemas.ts'
import { type Kept, keepSchemas } from './kept.ts'

/** One schema version and its id, which is never used for anything else again. */
export interface ManifestEntry {
  id: number
  /** Name of the record, without its namespace. */
  name: string
  /** Relative to the folder. */
  file: string
}

export interface FileSchemasOptions {
  /** Folder with `ids.json` and the schemas it names; the package's own by default. */
  folder?: string
  /**
   * Records schemas that the folder does not know yet (a new version, made by a developer). Otherwise the
   * folder is as it was shipped, and a schema outside it is refused: nobody could read it elsewhere.
   */
  writable?: boolean
  /**
   * Keeps here, beside the data, each schema that data may be written with, so that an earlier version that
   * does not ship it can read it all the same.
   */
  kept?: string
}

interface Known extends ManifestEntry {
  schema: AvroSchema
  type: AvroType
}

/** Schemas as files with fixed ids. Every version ever written stays listed in `ids.json`. */
export const createFileSchemas = async (options: FileSchemasOptions = {}): Promise<Schemas> => {
  const { folder = packageSchemasFolder(), writable = false } = options
  const known = await load(folder)
  const elsewhere = options.kept === undefined ? [] : await keepSchemas(options.kept, known)
  const subjects = new Map<string, string>()
  let writing: Promise<unknown> = Promise.resolve()

  const record = async (schema: AvroSchema, type: AvroType): Promise<number> => {
    const id = Math.max(0, ...known.map((entry) => entry.id)) + 1
    const file = `history/${schema.name}.${id}.avsc`
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), `${JSON.stringify(schema, null, 2)}\n`)
    const entries = [...known.map(({ id, name, file }) => ({ id, name, file }))]
    entries.push({ id, name: schema.name, file })
    const manifest = join(folder, 'ids.json')
    await writeFile(`${manifest}.new`, `${JSON.stringify(entries, null, 2)}\n`)
    await rename(`${manifest}.new`, manifest)
    known.push({ id, name: schema.name, file, schema, type })
    return id
  }

  const register = async (subject: string, schema: AvroSchema): Promise<number> => {
    const type = typeOf(schema)
    const name = subjects.get(subject) ?? schema.name
    if (name !== schema.name)
      throw incompatible(`The subject ${subject} holds ${name}, not ${schema.name}`)
    const same = known.find((entry) => entry.name === name && sameSchema(entry.type, type))
    if (same === undefined) {
      for (const earlier of known)
        if (earlier.name === name) requireCompatible(subject, type, earlier.type)
      if (!writable) throw incompatible(`The schema ${schema.name} is not listed in ids.json`)
    }
    const id = same?.id ?? (await record(schema, type))
    subjects.set(subject, name)
    return id
  }

  return {
    register: (subject, schema) => {
      const registered = writing.then(() => register(subject, schema))
      writing = registered.catch(() => undefined)
      return registered
    },
    get: async (id) => {
      const found: Kept | undefined = [...known, ...elsewhere].find((entry) => entry.id === id)
      if (found === undefined)
        throw new ZenhookError('ZENHOOK_SCHEMAS_UNKNOWN_ID', {
          message: `Schema id ${id} is not listed in ids.json`,
        })
      return found.schema
    },
    ping: async () => undefined,
    close: async () => undefined,
  }
}

const load = async (folder: string): Promise<Known[]> => {
  const entries = JSON.parse(await readFile(join(folder, 'ids.json'), 'utf8')) as ManifestEntry[]
  const ids = new Set<number>()
  for (const { id } of entries) {
    if (ids.has(id)) throw new Error(`ids.json names the id ${id} twice`)
    ids.add(id)
  }
  return Promise.all(
    entries.map(async (entry) => {
      const schema = await readSchema(folder, entry.file)
      return { ...entry, schema, type: typeOf(schema) }
    }),
  )
}
