import { join } from 'node:path'
import { ZenhookError } from '../../core/errors/index.ts'
import type { SpoolFs } from './segments.ts'

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

// Folders that this process holds: its own pid in a lock file may also be of an earlier container.
const held = new Set<string>()

/**
 * Two processes on one spool would remove each other's records. The lock file names its owner by pid;
 * one left by a process that is gone is taken over. Gives a function that releases the folder.
 */
export const lockFolder = async (fs: SpoolFs, dir: string): Promise<() => Promise<void>> => {
  const path = join(dir, 'lock')
  const refuse = (): never => {
    throw new ZenhookError('ZENHOOK_INGRESS_SPOOL_LOCKED', { details: { dir } })
  }
  if (held.has(path)) refuse()
  held.add(path)
  try {
    const owner = Number(await fs.readFile(path, 'utf8').catch(() => '0'))
    if (owner > 0 && owner !== process.pid && alive(owner)) refuse()
    await fs.writeFile(path, String(process.pid))
  } catch (error) {
    held.delete(path)
    throw error
  }
  return async () => {
    await fs.unlink(path).catch(() => {})
    held.delete(path)
  }
}
