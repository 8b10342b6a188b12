import { randomBytes } from 'node:crypto'
import { access, constants, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isZenhookError, systemCodeOf, ZenhookError } from '../../core/errors/index.ts'
import { asideOf, replaceFile, sweepAside } from '../../core/files/index.ts'
import { bringForward, type FormatOptions } from '../../core/storage/format.ts'
import { type Instance, instanceFile, readInstance, tokenFile } from '../client.ts'

/** The layout of the data folder, and the way from each to the next; see ADR 0015 for what makes it another one. */
export const dataFormat: FormatOptions = {
  format: 2,
  migrations: [
    {
      from: 1,
      what: 'records of the embedded log that share a value',
      // Records that do not are read as before (ADR 0019): only the older version must keep away.
      parts: [],
      run: async () => undefined,
    },
  ],
  locked: ['log', 'spool'],
}

/**
 * Makes the folder where it is missing, and brings it to the present format. Throws
 * ZENHOOK_STORAGE_UNUSABLE where it cannot be written, _VERSION, _LOCKED or _MIGRATION as `bringForward` does.
 */
export const openDataFolder = async (dataDir: string): Promise<void> => {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await access(dataDir, constants.W_OK | constants.X_OK)
    await bringForward(dataDir, dataFormat)
    await sweepAside(dataDir)
  } catch (cause) {
    if (isZenhookError(cause)) throw cause
    throw new ZenhookError('ZENHOOK_STORAGE_UNUSABLE', {
      message: `The data folder ${dataDir} cannot be used`,
      cause,
    })
  }
}

const readSecret = async (path: string): Promise<string | undefined> => {
  try {
    return (await readFile(path, 'utf8')).trim() || undefined
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw new ZenhookError('ZENHOOK_CLI_FILE', { message: `Cannot read ${path}`, cause: error })
  }
}

/**
 * The secret in a file of the data folder, made at the first start; readable by its owner alone. Of several
 * processes that begin at once one makes it, and all have that one.
 */
export const keptSecret = async (path: string, make: () => string): Promise<string> => {
  const kept = await readSecret(path)
  if (kept !== undefined) return kept
  const made = make()
  const own = asideOf(path)
  await writeFile(own, `${made}\n`, { mode: 0o600 })
  try {
    await link(own, path)
    return made
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error
    const other = await readSecret(path)
    if (other !== undefined) return other
    // A file without a secret in it, as an older version or a full disk may have left it.
    await rename(own, path)
    return made
  } finally {
    await rm(own, { force: true })
  }
}

/** The token of the admin listener. */
export const adminToken = (dataDir: string, given: string | undefined): Promise<string> =>
  given === undefined
    ? keptSecret(join(dataDir, tokenFile), () => randomBytes(32).toString('base64url'))
    : Promise.resolve(given)

/** Tells the commands of this machine where the instance is, until it ends. */
export const announce = async (
  dataDir: string,
  instance: Instance,
): Promise<() => Promise<void>> => {
  const path = join(dataDir, instanceFile)
  await replaceFile(path, `${JSON.stringify(instance, null, 2)}\n`)
  return async () => {
    const present = await readInstance(dataDir)
    if (present?.instanceId === instance.instanceId) await rm(path, { force: true })
  }
}
