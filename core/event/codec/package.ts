import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AvroSchema, RecordKind } from './index.ts'

/**
 * `schemas/avro` of this package, found from a checkout and from compiled output alike: the package's
 * root is the nearest folder above with its `package.json`.
 */
export const packageSchemasFolder = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (
    !existsSync(join(folder, 'package.json')) ||
    !existsSync(join(folder, 'schemas', 'avro'))
  ) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('schemas/avro is missing from the package')
    folder = parent
  }
  return join(folder, 'schemas', 'avro')
}

export const readSchema = async (folder: string, file: string): Promise<AvroSchema> =>
  JSON.parse(await readFile(join(folder, file), 'utf8')) as AvroSchema

/** The present schema of every kind, as shipped. */
export const packageSchemas = async (
  folder: string = packageSchemasFolder(),
): Promise<Readonly<Record<RecordKind, AvroSchema>>> => {
  const [event, dispatch, decisions, dead, registry] = await Promise.all([
    readSchema(folder, 'event.avsc'),
    readSchema(folder, 'dispatch.avsc'),
    readSchema(folder, 'decisions.avsc'),
    readSchema(folder, 'dead.avsc'),
    readSchema(folder, 'registry.avsc'),
  ])
  return { event, dispatch, decisions, dead, registry }
}
