import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, open, type RootDatabase } from 'lmdb'
import { isZenhookError, messageOf, systemCodeOf, ZenhookError } from '../errors/index.ts'
import { lockFolder } from '../lock/index.ts'
import { inTime } from '../time/limits.ts'
import { createCommitter, type Source } from './committer.ts'

/**
 * How the engine lies in its folder. Another number is another layout, and is refused; what its tables
 * hold is part of the data folder's format (ADR 0015).
 */
export const formatVersion = 1

type Bytes = Uint8Array

/** Ordered bytes by bytes. Reads see what was committed, and are synchronous: the data is mapped. */
export interface Table {
  readonly name: string
  get(key: Bytes): Bytes | undefined
  /** Entries from `from` (inclusive) to `to` (exclusive) in key order, or backwards from `to`. */
  range(options: RangeOptions): Iterable<{ key: Bytes; value: Bytes }>
}

export interface RangeOptions {
  from: Bytes
  to: Bytes
  limit?: number
  reverse?: boolean
}

/** Puts a value, or removes the key where the value is `undefined`. Keys are 1 to 1,900 bytes. */
export interface Operation {
  table: Table
  key: Bytes
  value: Bytes | undefined
  /** How many small writes it stands for, 1 by default: the next transaction waits a little behind many. */
  weight?: number
}

export interface Written {
  /** Visible to reads, and safe from the death of this process. */
  committed: Promise<void>
  /** Safe from the loss of power too. */
  synced: Promise<void>
}

export interface Storage {
  readonly dir: string
  /** It was asked to close: nothing is read or written any more. */
  readonly closed: boolean
  table(name: string): Table
  /**
   * All operations or none, in one transaction with everything else written in this turn of the event
   * loop; transactions take effect in the order of the calls. A function is called once, later, when its
   * transaction begins: those before it are committed then, and it may read. Both promises reject with
   * ZENHOOK_STORAGE_FULL or _UNUSABLE; a closed storage throws at once, as its reads do.
   */
  write(operations: Source): Written
  /** Rejects when the folder takes no writes: costs nothing, except after a failed write, when it tries one. */
  ping(): Promise<void>
  /** Lets writes under way finish. Idempotent. */
  close(): Promise<void>
}

export interface StorageOptions {
  /**
   * Address space reserved for the memory map, bytes; 64 GiB by default. It costs neither memory nor
   * disk (the file grows as it is used); beyond it the map would have to move while it is read.
   */
  mapBytes?: number
}

const maxKeyBytes = 1_900
const syncLimitMs = 60_000
const failedCloseMs = 1_000
/** Below this a failed write is put down to the disk being full. */
const leastFreeBytes = 2 ** 20

/** The engine tells a write that was cut short as EIO: whether the disk is full, the disk must say. */
const isFull = (dir: string, error: unknown): boolean => {
  if (/ENOSPC|EDQUOT|EFBIG/.test(systemCodeOf(error))) return true
  if (/No space left|File too large|MDB_MAP_FULL|quota/i.test(messageOf(error))) return true
  try {
    const { bavail, bsize } = statfsSync(dir)
    return bavail * bsize < leastFreeBytes
  } catch {
    return false
  }
}

/** What the engine or the file system said, in our words. */
export const storageError = (dir: string, error: unknown): ZenhookError => {
  if (isZenhookError(error)) return error
  const text = messageOf(error)
  return isFull(dir, error)
    ? new ZenhookError('ZENHOOK_STORAGE_FULL', {
        message: `The disk of ${dir} is full: ${text}`,
        retriable: true,
        cause: error,
      })
    : new ZenhookError('ZENHOOK_STORAGE_UNUSABLE', {
        message: `The data folder ${dir} cannot be used: ${text}`,
        cause: error,
      })
}

/** Works on an opened file or folder; what it holds then outlasts the loss of power. */
const syncAfter = (path: string, flags: 'r' | 'w', work?: (handle: number) => void): void => {
  const handle = openSync(path, flags)
  try {
    work?.(handle)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

const checkFormat = (dir: string): void => {
  const file = join(dir, 'format')
  const expected = `zenhook ${formatVersion}`
  // A loss of power may have left an empty one, from when it was not synced before it took its name.
  const found = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  if (found === '') {
    syncAfter(`${file}.new`, 'w', (handle) => writeFileSync(handle, `${expected}\n`))
    renameSync(`${file}.new`, file)
    syncAfter(dir, 'r')
    return
  }
  if (found !== expected)
    throw new ZenhookError('ZENHOOK_STORAGE_VERSION', {
      message: `The data folder ${dir} has the format "${found}", this version reads "${expected}"`,
      details: { dir, found, expected },
    })
}

/** lmdb rejects with a generic error that carries the cause as a promise. */
const causeOf = async (error: unknown): Promise<unknown> => {
  const cause = (error as { commitError?: Promise<unknown> } | undefined)?.commitError
  if (cause === undefined) return error
  return cause.then(
    () => error,
    (reason: unknown) => reason,
  )
}

const openDatabase = (dir: string, mapBytes: number): RootDatabase<Bytes, Bytes> =>
  open<Bytes, Bytes>({
    path: join(dir, 'store'),
    encoding: 'binary',
    keyEncoding: 'binary',
    mapSize: mapBytes,
    maxDbs: 32,
    // A commit is visible before it is synced; see `Written`.
    overlappingSync: process.platform !== 'win32',
    // `committer.ts` groups; and the engine's own groups leave a promise that nobody can catch.
    eventTurnBatching: false,
  })

/** Opens the one engine of the data folder: for one process at a time, creating what is missing. */
export const openStorage = (
  dir: string,
  { mapBytes = 64 * 2 ** 30 }: StorageOptions = {},
): Storage => {
  let release: () => void
  let root: RootDatabase<Bytes, Bytes>
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    release = lockFolder(dir, { code: 'ZENHOOK_STORAGE_LOCKED', what: 'the data folder' })
  } catch (error) {
    throw storageError(dir, error)
  }
  try {
    checkFormat(dir)
    root = openDatabase(dir, mapBytes)
  } catch (error) {
    release()
    throw storageError(dir, error)
  }

  const databases = new Map<Table, Database<Bytes, Bytes>>()
  const tables = new Map<string, Table>()
  const underWay = new Set<Promise<void>>()
  let lastFailed = false
  let closing: Promise<void> | undefined

  /** A transaction that was asked for before the end may still look at what it changes. */
  let beginning = false

  const refuseClosed = (): void => {
    if (closing !== undefined && !beginning) throw storageError(dir, new Error('it is closed'))
  }
  const databaseOf = (table: Table): Database<Bytes, Bytes> => {
    const database = databases.get(table)
    if (database === undefined) throw new Error(`Table ${table.name} is of another storage`)
    return database
  }
  /** The engine never answers for a sync that failed: what stays unsynced that long is taken as lost. */
  const noSync = (): Error => new Error(`no sync within ${syncLimitMs} ms`)
  const failing = async (promise: Promise<unknown>): Promise<void> => {
    try {
      await promise
    } catch (error) {
      throw storageError(dir, await causeOf(error))
    }
  }

  const commit = createCommitter((operations) => {
    // The one promise of the batch tells of all its operations, also of their failure.
    const done = root.batch(() => {
      for (const { table, key, value } of operations)
        if (value === undefined) databaseOf(table).remove(key)
        else databaseOf(table).put(key, value)
    })
    // Asked for now: later it would stand for another transaction.
    const flushed = root.flushed.then(() => undefined)
    const committed = failing(done)
    const synced = failing(done.then(() => inTime(flushed, syncLimitMs, noSync)))
    committed.catch(() => undefined)
    synced.catch(() => undefined)
    return { committed, synced }
  })

  const checked = (operations: readonly Operation[]): readonly Operation[] => {
    for (const { key } of operations)
      if (key.byteLength === 0 || key.byteLength > maxKeyBytes)
        throw new RangeError(`A key of ${key.byteLength} bytes cannot be stored`)
    return operations
  }
  const late = (source: () => readonly Operation[]): readonly Operation[] => {
    beginning = true
    try {
      return checked(source())
    } finally {
      beginning = false
    }
  }

  const storage: Storage = {
    dir,
    get closed() {
      return closing !== undefined
    },
    table(name) {
      const known = tables.get(name)
      if (known !== undefined) return known
      const database = root.openDB<Bytes, Bytes>(name, {
        encoding: 'binary',
        keyEncoding: 'binary',
      })
      const table: Table = {
        name,
        get: (key) => {
          refuseClosed()
          return database.get(key)
        },
        range: ({ from, to, limit, reverse = false }) => {
          refuseClosed()
          return database.getRange({
            start: reverse ? to : from,
            end: reverse ? from : to,
            reverse,
            ...(limit === undefined ? {} : { limit }),
            ...(reverse ? { exclusiveStart: true, inclusiveEnd: true } : {}),
          }) as Iterable<{ key: Bytes; value: Bytes }>
        },
      }
      databases.set(table, database)
      tables.set(name, table)
      return table
    },
    write(operations) {
      refuseClosed()
      const written = commit(
        typeof operations === 'function' ? () => late(operations) : checked(operations),
      )
      const outcome = written.synced.then(
        () => false,
        () => true,
      )
      const done: Promise<void> = outcome.then((failed) => {
        lastFailed = failed
        underWay.delete(done)
      })
      underWay.add(done)
      return written
    },
    async ping() {
      refuseClosed()
      // A failure may be over, and nobody writes while it seems not to be: try.
      if (lastFailed) {
        const table = storage.table('probe')
        const value = Buffer.from(String(Date.now()))
        await storage.write([{ table, key: Uint8Array.of(1), value }]).synced
      }
    },
    close() {
      closing ??= (async () => {
        // Its turn comes after everything that waits for one.
        while (underWay.size > 0) await Promise.all(underWay)
        const closed = root.close()
        // After a failed write the engine waits for a sync that will never be.
        await (lastFailed ? Promise.race([closed, sleep(failedCloseMs)]) : closed)
      })().finally(release)
      return closing
    },
  }
  return storage
}
