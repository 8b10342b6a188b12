import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/errors/index.ts'
import {
  type AvroType,
  requireCompatible,
  sameSchema,
  typeOf,
} from '../../core/event/codec/avro.ts'
import type { ManifestEntry } from '../../core/event/codec/files/index.ts'
import { packageSchemas, readSchema } from '../../core/event/codec/package.ts'

/** A schema as it was released: never changed again, for there are records that were written with it. */
export interface Released extends ManifestEntry {
  version: string
  /** Relative to the folder of the schemas. */
  file: string
  type: AvroType
}

const manifestOf = async (folder: string): Promise<ManifestEntry[]> =>
  JSON.parse(await readFile(join(folder, 'ids.json'), 'utf8')) as ManifestEntry[]

const writeManifest = (folder: string, entries: readonly ManifestEntry[]): Promise<void> => {
  const lines = entries.map((entry) => `  ${JSON.stringify(entry)}`)
  return writeFile(join(folder, 'ids.json'), `[\n${lines.join(',\n')}\n]\n`)
}

/** Of all versions, the oldest first. */
export const releasedSchemas = async (folder: string): Promise<readonly Released[]> => {
  const all: Released[] = []
  const versions = (await readdir(join(folder, 'released'))).sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  )
  for (const version of versions)
    for (const entry of await manifestOf(join(folder, 'released', version))) {
      const file = join('released', version, entry.file)
      all.push({ ...entry, version, file, type: typeOf(await readSchema(folder, file)) })
    }
  return all
}

const howToAdd = 'Give the changed schema an id of its own: `npx tsx scripts/schemas/main.ts add`.'
const howToChange =
  'Add a field only with a default, and take away only what has one; a type or a name stays. ' +
  'Where that is not enough, write the new record to a new topic version (`….v2`) and read both.'

/** What is wrong with the schemas of a folder beside those that were released, each with the way out. */
export const faultsOf = async (folder: string): Promise<readonly string[]> => {
  const faults: string[] = []
  const released = await releasedSchemas(folder)
  const listed = new Map((await manifestOf(folder)).map((entry) => [entry.id, entry]))
  const present = Object.values(await packageSchemas(folder)).map(typeOf)
  for (const { id, name, version, type } of released) {
    const now = listed.get(id)
    const meaning = now === undefined ? undefined : typeOf(await readSchema(folder, now.file))
    if (meaning === undefined || !sameSchema(meaning, type))
      faults.push(
        `The id ${id} was the ${name} of ${version}, and is ${now === undefined ? 'not listed' : `now ${now.file}, which is another`}: records in logs would be misread. ${howToAdd}`,
      )
    const mine = present.find((one) => one.name === type.name)
    if (mine === undefined) {
      faults.push(`${type.name} of ${version} is written by no present schema. ${howToChange}`)
      continue
    }
    try {
      requireCompatible(name, mine, type)
    } catch (error) {
      faults.push(`${messageOf(error)} (${version}). ${howToChange}`)
    }
  }
  return faults
}

/**
 * After a change: each present schema that is no longer what its id was released as gets a new id, and the
 * old id goes on meaning the released copy. Gives the new entries.
 */
export const addIds = async (folder: string): Promise<readonly ManifestEntry[]> => {
  const released = await releasedSchemas(folder)
  const entries = await manifestOf(folder)
  const added: ManifestEntry[] = []
  for (const entry of entries) {
    const was = released.find(({ id }) => id === entry.id)
    if (was === undefined) continue
    const type = typeOf(await readSchema(folder, entry.file))
    if (sameSchema(type, was.type)) continue
    const id = Math.max(...[...entries, ...added].map((one) => one.id)) + 1
    added.push({ id, name: entry.name, file: entry.file })
    entry.file = was.file
  }
  await writeManifest(folder, [...entries, ...added])
  return added
}

/** At a release: keeps a copy of each present schema under the version. */
export const freeze = async (folder: string, version: string): Promise<void> => {
  const files = new Set((await readdir(folder)).filter((name) => name.endsWith('.avsc')))
  const to = join(folder, 'released', version)
  await mkdir(to, { recursive: true })
  for (const name of files) await copyFile(join(folder, name), join(to, name))
  await writeManifest(
    to,
    (await manifestOf(folder)).filter(({ file }) => files.has(file)),
  )
}
