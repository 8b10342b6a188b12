/**
 * Compares the candidates for the embedded engine (docs/adr/0001-embedded-engine.md): durable writes
 * of 1 KiB records, as `npx tsx bench/engines.ts [--seconds N]`. Each case runs in a fresh folder.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import Database from 'libsql'
import { openStorage } from '../core/storage/index.ts'

interface Engine {
  name: string
  /** Resolves once all records are safe from a loss of power. */
  write(values: readonly Uint8Array[]): Promise<void>
  close(): Promise<void>
}

const openLmdb = (dir: string): Engine => {
  const storage = openStorage(dir)
  const table = storage.table('bench')
  let next = 0
  return {
    name: 'lmdb',
    write: (values) =>
      storage.write(
        values.map((value) => {
          const key = Buffer.alloc(8)
          key.writeBigUInt64BE(BigInt(next++))
          return { table, key, value }
        }),
      ).synced,
    close: () => storage.close(),
  }
}

const openLibsql = (dir: string): Engine => {
  const database = new Database(join(dir, 'bench.db'))
  database.exec('pragma journal_mode = wal')
  database.exec('pragma synchronous = full')
  database.exec('create table bench (id integer primary key, value blob) strict')
  const insert = database.prepare('insert into bench (value) values (?)')
  // Its calls are synchronous: what callers asked for within one turn is committed together.
  let waiting: { values: readonly Uint8Array[]; done: () => void; failed: (e: unknown) => void }[] =
    []
  const commit = (): void => {
    const group = waiting
    waiting = []
    try {
      database.exec('begin')
      for (const { values } of group) for (const value of values) insert.run([Buffer.from(value)])
      database.exec('commit')
      for (const { done } of group) done()
    } catch (error) {
      for (const { failed } of group) failed(error)
    }
  }
  return {
    name: 'libsql',
    write: (values) =>
      new Promise((done, failed) => {
        if (waiting.length === 0) setImmediate(commit)
        waiting.push({ values, done, failed })
      }),
    close: async () => {
      database.close()
    },
  }
}

/** What the disk alone can do. */
const openFile = (dir: string): Engine => {
  const file = openSync(join(dir, 'bench'), 'a')
  return {
    name: 'append + fdatasync',
    async write(values) {
      for (const value of values) writeSync(file, value)
      fdatasyncSync(file)
    },
    close: async () => closeSync(file),
  }
}

const cases = [
  { name: 'one by one', writers: 1, group: 1 },
  { name: 'groups of 100', writers: 1, group: 100 },
  { name: '64 concurrent writers', writers: 64, group: 1 },
]

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

const run = async (
  open: (dir: string) => Engine,
  { name, writers, group }: (typeof cases)[number],
  seconds: number,
): Promise<Record<string, string | number>> => {
  const dir = mkdtempSync(join(tmpdir(), 'zenhook-bench-'))
  const engine = open(dir)
  const values = Array.from({ length: group }, () => randomBytes(1024))
  const latencies: number[] = []
  await engine.write(values)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  const end = began + seconds * 1_000
  const writer = async (): Promise<void> => {
    while (performance.now() < end) {
      const start = performance.now()
      await engine.write(values)
      latencies.push(performance.now() - start)
      // As a server would: the loop turns between two requests of one caller.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  const elapsed = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpuBefore)
  delay.disable()
  await engine.close()
  rmSync(dir, { recursive: true, force: true })
  latencies.sort((a, b) => a - b)
  const records = latencies.length * group
  return {
    engine: engine.name,
    case: name,
    'records/s': Math.round(records / elapsed),
    'p50 ms': Number(percentile(latencies, 0.5).toFixed(2)),
    'p99 ms': Number(percentile(latencies, 0.99).toFixed(2)),
    'longest pause ms': Number((delay.max / 1e6).toFixed(1)),
    'cpu µs/record': Math.round((user + system) / records),
  }
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } })
const { type } = statfsSync(tmpdir())
console.log(
  `node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, file system type 0x${type.toString(16)}, 1 KiB records, ${values.seconds} s a case`,
)
const rows: Record<string, string | number>[] = []
for (const each of cases)
  for (const open of [openLmdb, openLibsql, openFile])
    rows.push(await run(open, each, Number(values.seconds)))
console.table(rows)
