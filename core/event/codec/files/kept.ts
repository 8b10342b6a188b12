import { readFile } from 'node:fs/promises'
import { messageOf, systemCodeOf, ZenhookError } from '../../../errors/index.ts'
import { replaceFile } from '../../../files/index.ts'
import { incompatible, sameSchema, typeOf } from '../avro.ts'
import type { AvroSchema } from '../schemas.ts'

export interface Kept {
  id: number
  schema: AvroSchema
}

const read = async (file: string): Promise<readonly Kept[]> => {
  try {
    const found: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!Array.isArray(found)) throw new Error('it is no list')
    return found as readonly Kept[]
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', {
      message: `The schemas that data was written with cannot be read from ${file}: ${messageOf(error)}`,
      fix: `Put ${file} back from a backup; without it only records of this version's schemas can be read`,
      cause: error,
    })
  }
}

const textOf = (entries: readonly Kept[]): string => `${JSON.stringify(entries)}\n`

/**
 * Adds what this version may write to what others wrote, and gives the schemas of others. Rejects with
 * ZENHOOK_SCHEMAS_INCOMPATIBLE where an id means another schema there.
 */
export const keepSchemas = async (file: string, own: readonly Kept[]): Promise<readonly Kept[]> => {
  const before = await read(file)
  for (const { id, schema } of before) {
    const mine = own.find((entry) => entry.id === id)
    if (mine !== undefined && !sameSchema(typeOf(mine.schema), typeOf(schema)))
      throw incompatible(
        `The data folder has records of another schema under the id ${id} than this version ships`,
      )
  }
  const others = before.filter(({ id }) => !own.some((entry) => entry.id === id))
  const added = own.filter(({ id }) => !before.some((entry) => entry.id === id))
  if (added.length > 0)
    await replaceFile(file, textOf([...before, ...added.map(({ id, schema }) => ({ id, schema }))]))
  return others
}
