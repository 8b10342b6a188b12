import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'
import { replaceFile, syncPath } from '../files/index.ts'
import { lockFolder } from '../lock/index.ts'

/** Brings a data folder from one format to the next. */
export interface Migration {
  /** The format that it begins with; it ends with the next number. */
  from: number
  /** What changes, in words. */
  what: string
  /** Names in the data folder that it makes anew or does away with. Nothing else is touched. */
  parts: readonly string[]
  /**
   * Writes the new parts into the folder `to`; reads the old ones from `from`, and changes nothing there.
   * A part that it does not write is done away with. It runs again from the start after a crash.
   */
  run(from: string, to: string): Promise<void>
}

export interface FormatOptions {
  /** What this version reads and writes. */
  format: number
  /** One for each format since the first. */
  migrations: readonly Migration[]
  /** Folders in it that a running process may hold: they are taken while anything changes. */
  locked: readonly string[]
  onStep?: (step: string) => void
}

const marker = 'format'
/** What a migration writes, until it is complete. */
const staging = 'migration.new'
/** Says that a migration is complete, and which parts take their places. */
const journal = 'migration.json'
/** What they replace, until all are in their places. */
const replaced = 'migration.old'

const textOf = (format: number): string => `zenhook data ${format}\n`

interface Switch {
  to: number
  parts: readonly { name: string; made: boolean }[]
}

const syncTree = async (folder: string): Promise<void> => {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else await syncPath(path)
  }
  await syncPath(folder)
}

const refused = (dir: string, found: string, options: FormatOptions, fix: string): ZenhookError =>
  new ZenhookError('ZENHOOK_STORAGE_VERSION', {
    message: `The data folder ${dir} has the format "${found}", this version reads up to "${textOf(options.format).trim()}"`,
    fix,
    details: { dir, found, reads: options.format },
  })

const readMarker = async (dir: string, options: FormatOptions): Promise<number | undefined> => {
  const path = join(dir, marker)
  if (!existsSync(path)) return undefined
  const found = (await readFile(path, 'utf8')).trim()
  const format = Number(/^zenhook data ([1-9]\d{0,8})$/.exec(found)?.[1])
  if (Number.isNaN(format))
    throw refused(
      dir,
      found.slice(0, 60),
      options,
      `Check that it is Zenhook's: put back ${path} from a backup, or start with a new --data-dir`,
    )
  if (format > options.format)
    throw refused(
      dir,
      found,
      options,
      'A newer Zenhook wrote it: start that version again and let it drain, or use a new --data-dir',
    )
  return format
}

const readSwitch = async (dir: string): Promise<Switch | undefined> => {
  const path = join(dir, journal)
  return existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as Switch) : undefined
}

/** Puts the parts of a complete migration into their places. Any step may be the last, and is made once. */
const complete = async (dir: string, { to, parts }: Switch, step: (step: string) => void) => {
  const [made, old] = [join(dir, staging), join(dir, replaced)]
  await mkdir(old, { recursive: true, mode: 0o700 })
  for (const part of parts) {
    const [place, aside, fresh] = [dir, old, made].map((folder) => join(folder, part.name))
    if (place === undefined || aside === undefined || fresh === undefined) continue
    const placed = part.made && !existsSync(fresh)
    if (!placed && existsSync(place) && !existsSync(aside)) await rename(place, aside)
    step(`${part.name} is aside`)
    if (part.made && existsSync(fresh)) await rename(fresh, place)
    step(`${part.name} is in its place`)
  }
  await syncPath(dir)
  await replaceFile(join(dir, marker), textOf(to))
  step(`format ${to}`)
  await rm(join(dir, journal), { force: true })
  await syncPath(dir)
  step('the journal is gone')
  await tidy(dir)
}

const migrate = async (dir: string, migration: Migration, step: (step: string) => void) => {
  const made = join(dir, staging)
  await tidy(dir)
  await mkdir(made, { mode: 0o700 })
  step(`migrating to ${migration.from + 1}`)
  await migration.run(dir, made)
  step('the parts are made')
  await syncTree(made)
  const parts = migration.parts.map((name) => ({ name, made: existsSync(join(made, name)) }))
  const change = { to: migration.from + 1, parts }
  await replaceFile(join(dir, journal), JSON.stringify(change))
  step('the journal is written')
  await complete(dir, change, step)
}

const failed = (dir: string, { from, what }: Migration, cause: unknown): ZenhookError =>
  isZenhookError(cause)
    ? cause
    : new ZenhookError('ZENHOOK_STORAGE_MIGRATION', {
        message: `The data folder ${dir} cannot be brought from format ${from} to ${from + 1} (${what}): ${messageOf(cause)}`,
        details: { dir, from, to: from + 1 },
        cause,
      })

/**
 * Holds the folder itself: a process that starts meanwhile asks for it. Those in it are asked once whether a
 * process that runs has them; held, their locks would be moved with them.
 */
const underLock = async (
  dir: string,
  folders: readonly string[],
  work: () => Promise<void>,
): Promise<void> => {
  const take = (folder: string) =>
    lockFolder(folder, { code: 'ZENHOOK_STORAGE_LOCKED', what: 'the data folder' })
  const release = take(dir)
  try {
    for (const path of folders.map((name) => join(dir, name))) if (existsSync(path)) take(path)()
    await work()
  } finally {
    release()
  }
}

/**
 * Leaves the data folder in the present format, or throws: ZENHOOK_STORAGE_VERSION for a newer or unknown
 * one, ZENHOOK_STORAGE_LOCKED while a process works on it, ZENHOOK_STORAGE_MIGRATION where it cannot be
 * brought forward; it is then as it was. A migration writes new parts beside the old ones and switches when
 * all are on the disk, so that `kill -9` at any moment leaves one format or the other, and the next start
 * goes on. Gives the format that it found; `undefined` for a new folder.
 */
export const bringForward = async (
  dir: string,
  options: FormatOptions,
): Promise<number | undefined> => {
  const { format, migrations, onStep = () => {} } = options
  const found = await readMarker(dir, options)
  if (found === undefined && (await isNew(dir))) {
    await replaceFile(join(dir, marker), textOf(format))
    return undefined
  }
  const unfinished = [journal, staging, replaced].some((name) => existsSync(join(dir, name)))
  if (found === format && !unfinished) return found
  await underLock(dir, options.locked, async () => {
    // Asked again: another process may have begun a new folder between the two questions above.
    if ((await readMarker(dir, options)) === undefined)
      await replaceFile(join(dir, marker), textOf(1))
    const begun = await readSwitch(dir)
    if (begun !== undefined) await complete(dir, begun, onStep)
    for (let at = (await readMarker(dir, options)) ?? 1; at < format; at += 1) {
      const migration = migrations.find(({ from }) => from === at)
      if (migration === undefined)
        throw new Error(`there is no migration from the data format ${at}`)
      await migrate(dir, migration, onStep).catch((error: unknown) => {
        throw failed(dir, migration, error)
      })
    }
    await tidy(dir)
  })
  return found ?? 1
}

/** What a run that was cut short left behind, once nothing of it is needed. */
const tidy = async (dir: string): Promise<void> => {
  for (const name of [staging, replaced])
    await rm(join(dir, name), { recursive: true, force: true })
}

/** A folder without a marker is either new, or of the first format, which had none. */
const isNew = async (dir: string): Promise<boolean> =>
  !(await readdir(dir)).some((name) => firstParts.has(name))

const firstParts = new Set(['log', 'spool', 'decisions', 'registry.json', 'schemas.json'])
