import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, ZenhookError } from '../errors/index.ts'

interface Holder {
  pid: number
  /** Tells a process from a later one with the same pid; empty where the system does not say. */
  started: string
}

const quiet = <T>(action: () => T): T | undefined => {
  try {
    return action()
  } catch {
    return undefined
  }
}

/** When a process began, as this boot counts it (Linux). */
const startOf = (pid: number | 'self'): string => {
  const boot = quiet(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const stat = quiet(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The second field, the name, may hold blanks and brackets; the start time is the 22nd.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return boot === undefined || ticks === undefined ? '' : `${boot}/${ticks}`
}

const lives = ({ pid, started }: Holder): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return started === '' || started === startOf(pid)
}

const read = (file: string): Holder | undefined =>
  quiet(() => {
    const { pid, started } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined
  })

export interface FolderLock {
  /** Error of a folder that another process has. */
  code: ErrorCode
  /** The folder in words: `the data folder`. */
  what: string
}

/**
 * Takes the folder for this process, or throws the code with the pid that has it.
 * A lock whose process is gone (`kill -9`, power) is taken over. Gives the function that releases it.
 */
export const lockFolder = (dir: string, { code, what }: FolderLock): (() => void) => {
  const name = what.charAt(0).toUpperCase() + what.slice(1)
  const locked = ({ pid }: Holder): ZenhookError =>
    new ZenhookError(code, {
      message: `${name} ${dir} is in use by process ${pid}`,
      details: { dir, pid },
    })
  const file = join(dir, 'lock.json')
  const own = join(dir, `lock.${process.pid}.${randomBytes(6).toString('hex')}`)
  const me: Holder = { pid: process.pid, started: startOf('self') }
  writeFileSync(own, `${JSON.stringify(me)}\n`, { mode: 0o600 })
  try {
    // `link` creates the whole file or fails: nobody ever reads half of one.
    for (let tries = 0; tries < 10; tries += 1) {
      try {
        linkSync(own, file)
        return () => rmSync(file, { force: true })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = read(file)
      if (holder !== undefined && lives(holder)) throw locked(holder)
      const stale = `${own}.stale`
      if (quiet(() => renameSync(file, stale) ?? true) !== true) continue
      const taken = read(stale)
      // Somebody took the stale lock over first, and this was already theirs: give it back.
      if (taken !== undefined && lives(taken)) {
        quiet(() => linkSync(stale, file))
        rmSync(stale, { force: true })
        throw locked(taken)
      }
      rmSync(stale, { force: true })
    }
    throw new ZenhookError(code, {
      message: `${name} ${dir} is being opened by others`,
      details: { dir },
    })
  } finally {
    rmSync(own, { force: true })
  }
}
