import { readFile } from 'node:fs/promises'
import { replaceFile } from '../../../files/index.ts'
import type { AvroSchema } from '../schemas.ts'

/** What one registry has told once, and tells for ever. */
export interface Known {
  /** Id under which this very schema was registered. */
  registered(subject: string, schema: AvroSchema): number | undefined
  schema(id: number): AvroSchema | undefined
  /** Remembers what a subject's schema got as its id. */
  keepRegistered(subject: string, schema: AvroSchema, id: number): void
  keepSchema(id: number, schema: AvroSchema): void
  /** Resolves once everything kept until now is on disk, or could not be written. */
  settled(): Promise<void>
}

interface Kept {
  registry: string
  registered: Record<string, number>
  schemas: Record<string, AvroSchema>
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const isKept = (value: unknown): value is Kept =>
  isObject(value) &&
  typeof value.registry === 'string' &&
  isObject(value.registered) &&
  Object.values(value.registered).every(Number.isSafeInteger) &&
  isObject(value.schemas) &&
  Object.values(value.schemas).every((schema) => isObject(schema) && schema.type === 'record')

const keyOf = (subject: string, schema: AvroSchema): string => JSON.stringify([subject, schema])

const readKept = async (file: string, registry: string): Promise<Kept | undefined> => {
  try {
    const kept: unknown = JSON.parse(await readFile(file, 'utf8'))
    // Ids of another registry say nothing about this one.
    return isKept(kept) && kept.registry === registry ? kept : undefined
  } catch {
    // None yet, or spoilt: the registry tells it again.
    return undefined
  }
}

/**
 * Ids and schemas of a registry on disk, for a start while it is away. A file that is missing, spoilt or of
 * another registry is as good as none; one that cannot be written costs that start, and nothing else.
 */
export const openKnown = async (file: string, registry: string): Promise<Known> => {
  const kept = await readKept(file, registry)
  const registered = new Map(Object.entries(kept?.registered ?? {}))
  const schemas = new Map(Object.entries(kept?.schemas ?? {}))
  let written: Promise<void> = Promise.resolve()
  let waiting = false

  /** Many that are kept at once are written once. */
  const write = (): void => {
    if (waiting) return
    waiting = true
    written = written.then(() => {
      waiting = false
      const text = JSON.stringify({
        registry,
        registered: Object.fromEntries(registered),
        schemas: Object.fromEntries(schemas),
      })
      return replaceFile(file, text).catch(() => undefined)
    })
  }

  const keepSchema = (id: number, schema: AvroSchema): void => {
    if (JSON.stringify(schemas.get(String(id))) === JSON.stringify(schema)) return
    schemas.set(String(id), schema)
    write()
  }

  return {
    registered: (subject, schema) => registered.get(keyOf(subject, schema)),
    schema: (id) => schemas.get(String(id)),
    keepSchema,
    keepRegistered(subject, schema, id) {
      keepSchema(id, schema)
      const key = keyOf(subject, schema)
      if (registered.get(key) === id) return
      registered.set(key, id)
      write()
    },
    settled: () => written,
  }
}
